import { writeDuration } from '../../../durations.js'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import { readField, readFields } from '../form.js'
import type { FieldName } from './profile-units.js'

/*
 * What stands in the form with which a profile is changed. Each field goes along with what it was when the form was made,
 * so that only what was changed is saved: two people who change different things do not undo each other's.
 */

/** The text of a field, and what it was when the form was made. */
interface Entered {
  readonly value: string
  readonly was: string
}

/** What stands in each field. Scopes are a text with a blank between two, which none of them has. */
export type EnteredProfile = Readonly<Record<FieldName, Entered>>

/** The scopes that an application declares; null when it declares none. */
export type Declared = ReadonlyMap<string, string> | null

/** What the form's fields have for a profile as stored. */
export function toEntered ({ group, own }: ProfileRecord, declared: Declared): EnteredProfile {
  const { maxKeys, expiry, canUseApi, canMakeKeys } = own
  const rate = own.rateLimit || null
  const quota = own.quota || null
  return {
    group: same(group ?? ''),
    limit: same(maxKeys === null ? 'inherit' : maxKeys === -1 ? 'unlimited' : 'own'),
    maxKeys: same(maxKeys === null || maxKeys === -1 ? '' : String(maxKeys)),
    allowed: same(own.scopes === null ? 'inherit' : own.scopes.length === 0 ? 'none' : 'own'),
    allowedScopes: same(shownScopes(own.scopes ?? [], declared).join(' ')),
    expiryDefault: same(toChoice(expiry.default)),
    defaultLife: same(toLength(expiry.default)),
    expiryMax: same(toChoice(expiry.max)),
    maxLife: same(toLength(expiry.max)),
    rateLimit: same(toChoice(own.rateLimit)),
    rateMax: same(toCount(rate?.max)),
    rateWindow: same(toLength(rate?.timeWindow)),
    quota: same(quota === null ? toChoice(own.quota) : quota.every === null ? 'total' : 'every'),
    quotaMax: same(toCount(quota?.max)),
    quotaEvery: same(toLength(quota?.every)),
    canUseApi: same(toPermission(canUseApi)),
    canMakeKeys: same(toPermission(canMakeKeys))
  }
}

/** Reads what was sent. What is absent stays as it is. */
export function readEntered (body: unknown, present: EnteredProfile, declared: Declared): EnteredProfile {
  const read = (name: FieldName): Entered => ({ value: readField(body, name)?.trim() ?? present[name].value, was: readField(body, `was-${name}`) ?? present[name].was })
  const others = (Object.keys(present) as FieldName[]).filter((name) => name !== 'allowedScopes' && name !== 'group').map((name) => [name, read(name)] as const)
  const fields = Object.fromEntries(others) as Omit<EnteredProfile, 'group' | 'allowedScopes'>
  // Names of groups may have blanks at their ends.
  const group = { ...read('group'), value: readField(body, 'group') ?? present.group.value }
  return { ...fields, group, allowedScopes: readScopes(body, present.allowedScopes, declared) }
}

/** Boxes of which none is ticked are not sent, but what they were is. */
function readScopes (body: unknown, present: Entered, declared: Declared): Entered {
  const sent = readFields(body, 'allowedScopes')
  const was = readField(body, 'was-allowedScopes')
  if (sent.length === 0 && was === undefined) return present
  // A comma separates, but where it is known to be part of a scope.
  const known = [...declared?.keys() ?? [], ...present.value.split(' ')]
  const scopes = sent.flatMap((text) => text.split(/\s+/)).flatMap((word) => known.includes(word) ? word : word.split(','))
  return { value: scopes.filter((scope) => scope !== '').join(' '), was: was ?? present.was }
}

/** In the order of the boxes. Those that are not declared any more have none, and count for nothing. */
function shownScopes (scopes: readonly string[], declared: Declared): readonly string[] {
  return declared === null ? scopes : [...declared.keys()].filter((scope) => scopes.includes(scope))
}

function same (value: string): Entered {
  return { value, was: value }
}

function toChoice (own: unknown): string {
  return own === null ? 'inherit' : own === false ? 'none' : 'own'
}

function toPermission (own: boolean | null): string {
  return own === null ? 'inherit' : own ? 'yes' : 'no'
}

/** Half a limit, which only SQL can leave, has a 0 for what is missing. */
function toCount (count: number | undefined): string {
  return count === undefined || count === 0 ? '' : String(count)
}

function toLength (milliseconds: number | false | null | undefined): string {
  return milliseconds ? writeDuration(milliseconds) : ''
}
