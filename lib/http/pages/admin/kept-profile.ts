import { readFields, readHint } from '../form.js'
import { keepFirst, type Fields, type Kept } from '../kept.js'
import { readEntered, type Declared, type EnteredProfile } from './profile-entered.js'
import { fieldsOf, UNITS, type FieldName } from './profile-units.js'

/*
 * What was entered into the form for a profile, kept in an address while an administrator signs in again: what was changed
 * alone, with what that was, so that what somebody else changes in between is told as ever.
 */

const NAMES: readonly FieldName[] = ['group', ...UNITS.flatMap(fieldsOf)]

/** Scopes can be the longest. */
const isOfScopes = (name: FieldName) => name === 'allowed' || name === 'allowedScopes'

/** Keeps what was changed. */
export function keepProfile (body: unknown): Kept {
  const changed = NAMES.filter((name) => isChanged(body, name))
  const toFields = (names: readonly FieldName[]): Fields => names.flatMap((name) => {
    const was = readHint(body, `was-${name}`)
    return [[name, valueOf(body, name) ?? ''], ...(was === undefined ? [] : [[`was-${name}`, was] as const])] as const
  })
  return keepFirst([toFields(changed), toFields(changed.filter((name) => !isOfScopes(name)))])
}

/**
 * Reads what was kept.
 *
 * @returns null when nothing was, or when it is not as it should be
 */
export function readKeptProfile (query: unknown, present: EnteredProfile, declared: Declared): EnteredProfile | null {
  try {
    return NAMES.some((name) => valueOf(query, name) !== undefined) ? readEntered(query, present, declared) : null
  } catch {
    return null
  }
}

function isChanged (body: unknown, name: FieldName): boolean {
  const was = readHint(body, `was-${name}`)
  const value = valueOf(body, name)
  // Boxes of which none is ticked are not sent.
  return value === undefined ? name === 'allowedScopes' && was !== undefined && was !== '' : value !== was
}

/** The text of a field, with a blank between two scopes; undefined when it was not sent, or not as it should be. */
function valueOf (fields: unknown, name: FieldName): string | undefined {
  if (name !== 'allowedScopes') return readHint(fields, name)
  const sent = readFields(fields, name)
  return sent.length === 0 ? undefined : sent.flatMap((text) => text.split(/\s+/)).filter((scope) => scope !== '').join(' ')
}
