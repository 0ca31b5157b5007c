import type { ProfileRecord } from '../../../keys/profile-records.js'
import type { ProfileOptions, Profiles } from '../../../keys/profiles.js'
import { isWhole } from '../../../checks.js'
import { MAX_MAX_KEYS } from '../../../keys/arguments.js'
import { readField } from '../form.js'
import type { Language } from '../language.js'
import type { ProfileFieldView, ProfileFormView, ProfileSelectView } from './data.js'

/*
 * The form with which a profile is changed. Each field goes along with what it was when the form was made, so that only
 * what was changed is saved: two people who change different things do not undo each other's.
 */

type FieldName = 'group' | 'limit' | 'maxKeys' | 'canUseApi' | 'canMakeKeys'

/** The text of a field, and what it was when the form was made. */
interface Entered {
  readonly value: string
  readonly was: string
}

/** What stands in each field. */
export type EnteredProfile = Readonly<Record<FieldName, Entered>>

/** What is wrong, by field. */
export type ProfileErrors = Readonly<Partial<Record<FieldName, string>>>

/** What stands in the fields of a profile that is as it is. */
export function toEntered ({ group, own: { maxKeys, canUseApi, canMakeKeys } }: ProfileRecord): EnteredProfile {
  const same = (value: string) => ({ value, was: value })
  return {
    group: same(group ?? ''),
    limit: same(maxKeys === null ? 'inherit' : maxKeys === -1 ? 'unlimited' : 'own'),
    maxKeys: same(maxKeys === null || maxKeys === -1 ? '' : String(maxKeys)),
    canUseApi: same(toChoice(canUseApi)),
    canMakeKeys: same(toChoice(canMakeKeys))
  }
}

/** Reads what was sent. What is absent stays as it is. */
export function readEntered (body: unknown, profile: ProfileRecord): EnteredProfile {
  const present = toEntered(profile)
  const read = (name: FieldName): Entered => {
    return { value: readField(body, name) ?? present[name].value, was: readField(body, `was-${name}`) ?? present[name].was }
  }
  const { value, was } = read('maxKeys')
  return { group: read('group'), limit: read('limit'), maxKeys: { value: value.trim(), was }, canUseApi: read('canUseApi'), canMakeKeys: read('canMakeKeys') }
}

/** What to change, or what is wrong. */
export function toChanges (entered: EnteredProfile, groups: readonly string[], { say }: Language): { changes: ProfileOptions, errors: ProfileErrors } {
  const { group, limit, maxKeys } = entered
  const changes: ProfileOptions = {}
  const errors: { [name in FieldName]?: string } = {}
  if (isChanged(group)) {
    if (group.value === '' || groups.includes(group.value)) changes.group = group.value === '' ? null : group.value
    else errors.group = say('admin.choiceWrong')
  }
  if (isChanged(limit) || isChanged(maxKeys)) {
    const number = toNumber(maxKeys.value)
    if (limit.value === 'own' && number === null) errors.maxKeys = say(maxKeys.value === '' ? 'admin.limitMissing' : 'admin.limitWrong', { max: MAX_MAX_KEYS })
    else if (limit.value === 'own') changes.maxKeys = number
    else if (isChanged(maxKeys) && maxKeys.value !== '') errors.limit = say('admin.limitUnused')
    else if (limit.value === 'inherit' || limit.value === 'unlimited') changes.maxKeys = limit.value === 'inherit' ? null : -1
    else errors.limit = say('admin.choiceWrong')
  }
  for (const name of ['canUseApi', 'canMakeKeys'] as const) {
    if (!isChanged(entered[name])) continue
    const permission = PERMISSIONS.get(entered[name].value)
    if (permission === undefined) errors[name] = say('admin.choiceWrong')
    else changes[name] = permission
  }
  return { changes, errors }
}

/** Makes what the form shows. */
export function toProfileForm (entered: EnteredProfile, errors: ProfileErrors, profile: ProfileRecord, profiles: Profiles, language: Language): ProfileFormView {
  const { say, count } = language
  const groups = profiles.groups()
  const inherited = profiles.inherited(profile.group)
  const inherit = (value: string) => ({ value: 'inherit', text: say(profile.group === null ? 'admin.asForAll' : 'admin.asGroup', { value }) })
  const yesOrNo = (permission: boolean) => say(permission ? 'admin.yes' : 'admin.no')
  const field = (name: FieldName): ProfileFieldView => ({ ...entered[name], error: errors[name] ?? null })
  const choice = (name: FieldName, ...options: ProfileSelectView['options']): ProfileSelectView => ({ ...field(name), options })
  const permission = (name: 'canUseApi' | 'canMakeKeys') =>
    choice(name, inherit(yesOrNo(inherited[name])), { value: 'yes', text: say('admin.yes') }, { value: 'no', text: say('admin.no') })
  return {
    group: choice('group', { value: '', text: say('admin.noGroup') }, ...toGroupOptions(groups, profile.group, language)),
    limit: choice('limit',
      inherit(inherited.maxKeys === -1 ? say('admin.unlimited') : count(inherited.maxKeys)),
      { value: 'unlimited', text: say('admin.unlimited') },
      { value: 'own', text: say('admin.ownLimit') }),
    maxKeys: field('maxKeys'),
    canUseApi: permission('canUseApi'),
    canMakeKeys: permission('canMakeKeys')
  }
}

/** A group that is not declared any more stays to be seen, and can be left. */
function toGroupOptions (groups: readonly string[], own: string | null, { say }: Language): ProfileSelectView['options'] {
  const declared = groups.map((name) => ({ value: name, text: name }))
  return own === null || groups.includes(own) ? declared : [...declared, { value: own, text: say('admin.undeclaredGroup', { name: own }) }]
}

const PERMISSIONS = new Map<string, boolean | null>([['inherit', null], ['yes', true], ['no', false]])

function toChoice (permission: boolean | null): string {
  return permission === null ? 'inherit' : permission ? 'yes' : 'no'
}

function isChanged ({ value, was }: Entered): boolean {
  return value !== was
}

function toNumber (text: string): number | null {
  const number = Number(text)
  return /^\d+$/.test(text) && isWhole(0, MAX_MAX_KEYS)(number) ? number : null
}
