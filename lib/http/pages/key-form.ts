import type { KeyOptions } from '../../keys/issuing.js'
import type { ProfileRecord } from '../../keys/profile-records.js'
import type { KeyRecord } from '../../keys/records.js'
import { narrow } from '../../keys/scopes.js'
import type { Notice } from './data.js'
import type { FieldsView, FormView, ScopesView } from './data/form.js'
import { FIELDS, findErrors, toNetworks, type Entered, type FieldErrors } from './entered.js'
import { readExpiry, toExpiryView, type ExpiryFields, type ExpiryRange } from './expiry-form.js'
import { codeOf } from './failure.js'
import { createNonce } from './form.js'
import type { Language } from './language.js'
import type { PagesContext } from './page.js'

/** What the fields of a key depend on. */
export interface FieldRules {
  /** The scopes that may be given, with their descriptions; null when none are declared. */
  readonly scopes: ReadonlyMap<string, string> | null
  readonly expiry: ExpiryRange
}

/** What holds for a new key of a profile. */
export function rulesOf (context: Pick<PagesContext, 'scopes' | 'now'>, { scopes, expiry }: ProfileRecord): FieldRules {
  const now = context.now()
  return { scopes: allowedScopes(context.scopes, scopes), expiry: { now, latest: expiry.max === null ? null : now + expiry.max, preset: expiry.default } }
}

/** What holds for changing a key. The maximum counts from when it was made. */
export function rulesFor (context: Pick<PagesContext, 'scopes' | 'now'>, { scopes, expiry }: ProfileRecord, key: KeyRecord): FieldRules {
  const latest = expiry.max === null ? null : key.createdAt.getTime() + expiry.max
  return {
    scopes: allowedScopes(context.scopes, scopes),
    expiry: { now: context.now(), latest, preset: expiry.default, current: key.expiresAt?.getTime() ?? null }
  }
}

function allowedScopes (declared: ReadonlyMap<string, string> | null, allowed: readonly string[] | null): ReadonlyMap<string, string> | null {
  return declared === null ? null : new Map([...declared].filter(([scope]) => narrow([scope], allowed).length > 0))
}

/** What a form for a new key is made of. */
export interface FormParts {
  /** Where it is sent. */
  readonly action: string
  readonly rules: FieldRules
  readonly entered: Entered
  readonly errors?: FieldErrors
}

/** Makes what `key-form.html` shows. */
export function toFormView ({ action, rules, entered, errors = {} }: FormParts, language: Language): FormView {
  return { ...toFieldsView(rules, entered, errors, language), action, nonce: createNonce() }
}

/** Makes what `key-fields.html` shows. */
export function toFieldsView ({ scopes, expiry }: FieldRules, entered: Entered, errors: FieldErrors, language: Language): FieldsView {
  return {
    name: { value: entered.name, error: errors.name ?? null },
    expiry: toExpiryView(expiry, entered, errors.expiry ?? null, language),
    scopes: toScopesView(scopes, entered, errors.scopes ?? null),
    addresses: { value: entered.addresses, error: errors.addresses ?? null },
    focus: FIELDS.find((field) => errors[field] !== undefined) ?? null
  }
}

function toScopesView (scopes: FieldRules['scopes'], entered: Entered, error: string | null): ScopesView | null {
  if (scopes === null || scopes.size === 0) return null
  return { choices: [...scopes].map(([value, text]) => ({ value, text, selected: entered.scopes.includes(value) })), error }
}

/** What is wrong with a field that the form does not have; null when nothing is. It is told above the form. */
export function strayError ({ scopes }: FieldRules, errors: FieldErrors): Notice | null {
  return errors.scopes === undefined || (scopes !== null && scopes.size > 0) ? null : { kind: 'error', text: errors.scopes }
}

/** What the service is told of a form for a key. */
export type KeyFields = Required<Pick<KeyOptions, 'name' | 'scopes' | 'allowedIps'>> & ExpiryFields

/** Reads what was entered for the service; or what is wrong with it, by field. */
export function toKeyFields (rules: FieldRules, entered: Entered, language: Language): { fields: KeyFields } | { errors: FieldErrors } {
  const expiry = readExpiry(rules.expiry, entered, language)
  const errors = {
    ...findErrors(entered, [...rules.scopes?.keys() ?? []], language),
    ...('error' in expiry && { expiry: expiry.error })
  }
  if ('error' in expiry || Object.keys(errors).length > 0) return { errors }
  // They were found among those that are declared.
  const scopes = entered.scopes as KeyFields['scopes']
  return { fields: { name: entered.name, scopes, allowedIps: toNetworks(entered), ...expiry.fields } }
}

/** What the service had against a form that seemed right, because what is allowed changed meanwhile; null when it was something else. */
export function toFieldErrors (error: unknown, { say }: Language): FieldErrors | null {
  switch (codeOf(error)) {
    case 'FST_API_KEY_SCOPE_NOT_ALLOWED': return { scopes: say('form.scopesWrong') }
    case 'FST_API_KEY_EXPIRY_TOO_LATE': return { expiry: say('form.expiryLate') }
    default: return null
  }
}

const REFUSALS = new Map([['FST_API_KEY_LIMIT_REACHED', 409], ['FST_API_KEY_MAKING_FORBIDDEN', 403], ['FST_API_KEY_UNKNOWN_GROUP', 403]])

/** The status of a page with the form for a key that was refused for a reason which the page itself tells; undefined for other reasons. */
export function statusOfRefusal (code: string): number | undefined {
  return REFUSALS.get(code)
}
