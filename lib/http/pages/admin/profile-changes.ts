import type { Internals } from '../../../keys/internals.js'
import type { ProfileOptions } from '../../../keys/profiles.js'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import type { Language } from '../language.js'
import type { EnteredProfile } from './profile-entered.js'
import { fieldsOf, PARTS, UNITS, type FieldName, type PartName, type Unit } from './profile-units.js'

/** What is wrong, by field. */
export type ProfileErrors = Readonly<Partial<Record<FieldName, string>>>

/** What says which arguments are allowed. */
type Checks = Pick<Internals, 'findRefused'>

/** What a form asks for, or what is wrong with it. */
interface Reading {
  readonly changes: ProfileOptions
  readonly errors: ProfileErrors
}

/** What is read so far. */
interface Draft {
  readonly changes: Record<string, unknown>
  readonly errors: { [name in FieldName]?: string }
}

/** Finds what a form changes of a profile. Whether that is allowed says what checks the arguments of `profiles.update`. */
export function toChanges (entered: EnteredProfile, profile: ProfileRecord, checks: Checks, language: Language): Reading {
  const draft: Draft = { changes: {}, errors: {} }
  if (isChanged(entered, 'group')) {
    const group = entered.group.value === '' ? null : entered.group.value
    if (checks.findRefused({ group }) === null) draft.changes['group'] = group
    else draft.errors.group = language.say('admin.choiceWrong')
  }
  for (const unit of UNITS) {
    if (fieldsOf(unit).some((name) => isChanged(entered, name))) readUnit(unit, entered, draft, checks, language)
  }
  compareLives(entered, profile, draft, checks, language)
  // Whatever is in there, the service checks it.
  return { changes: draft.changes as ProfileOptions, errors: draft.errors }
}

/**
 * Finds what was changed to something else by somebody else while the form was open.
 *
 * @param present what stands in the fields of the profile as it is stored
 * @returns what is to be told, and the form as it may be sent again
 */
export function findConflicts (entered: EnteredProfile, present: EnteredProfile, { say }: Language): { entered: EnteredProfile, errors: ProfileErrors } {
  const units: readonly (readonly FieldName[])[] = [['group'], ...UNITS.map(fieldsOf)]
  // What stays behind beside another choice is not what is asked for.
  const asked = new Set<FieldName>(UNITS.flatMap(({ name, choices }) => choices.find(({ value }) => value === entered[name].value)?.parts ?? []))
  const conflicts = units.filter((names) => names.some((name) => isChanged(entered, name)) &&
    names.some((name) => entered[name].was !== present[name].value) &&
    names.some((name, i) => (i === 0 || asked.has(name)) && entered[name].value !== present[name].value))
  const errors = Object.fromEntries(conflicts.map(([choice]) => [choice, say('admin.changedMeanwhile')]))
  const again = Object.fromEntries(conflicts.flat().map((name) => [name, { value: entered[name].value, was: present[name].value }]))
  return { entered: { ...entered, ...again }, errors }
}

function readUnit ({ name, argument, choices }: Unit, entered: EnteredProfile, { changes, errors }: Draft, checks: Checks, { say }: Language): void {
  const chosen = choices.find(({ value }) => value === entered[name].value)
  if (chosen === undefined) {
    errors[name] = say('admin.choiceWrong')
    return
  }
  const { parts, gives } = chosen
  for (const choice of choices) {
    const unused = choice.parts?.find((part) => !parts?.includes(part) && isChanged(entered, part) && entered[part].value !== '')
    if (unused === undefined || choice.text === null) continue
    errors[name] = say('admin.unused', { field: say(PARTS[unused].label), choice: say(choice.text) })
    return
  }
  if (parts === undefined) put(changes, argument, gives)
  else for (const part of parts) readPart(part, entered, { changes, errors }, checks, { say })
}

function readPart (name: PartName, entered: EnteredProfile, { changes, errors }: Draft, checks: Checks, { say }: Pick<Language, 'say'>): void {
  const { argument, read, missing, wrong, max } = PARTS[name]
  const text = entered[name].value
  const alone: Record<string, unknown> = {}
  put(alone, argument, read(text))
  if (text === '') errors[name] = say(missing)
  // By itself, half of a pair is refused too, but under another name.
  else if (checks.findRefused(alone) === argument) errors[name] = say(wrong, { ...(max !== undefined && { max }) })
  else put(changes, argument, read(text))
}

/** Keys cannot live longer by default than at most; of the two, what is not changed is as the profile says. */
function compareLives (entered: EnteredProfile, { own }: ProfileRecord, { changes, errors }: Draft, checks: Checks, { say }: Language): void {
  if (changes['expiry'] === undefined || errors.expiryDefault !== undefined || errors.defaultLife !== undefined || errors.maxLife !== undefined) return
  const expiry = { ...own.expiry, ...Object(changes['expiry']) }
  if (checks.findRefused({ expiry }) === 'expiry.default') errors[entered.expiryDefault.value === 'own' ? 'defaultLife' : 'expiryDefault'] = say('admin.lifeTooLong')
}

function put (changes: Record<string, unknown>, argument: string, value: unknown): void {
  const [name = '', inner] = argument.split('.')
  changes[name] = inner === undefined ? value : { ...Object(changes[name]), [inner]: value }
}

function isChanged (entered: EnteredProfile, name: FieldName): boolean {
  return entered[name].value !== entered[name].was
}
