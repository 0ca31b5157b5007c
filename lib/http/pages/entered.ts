import { areNetworks, MAX_NETWORKS } from '../../keys/addresses.js'
import { areScopes } from '../../keys/scopes.js'
import { findNameError, readField, readFields } from './form.js'
import type { Language } from './language.js'

/** What was entered in a form for a key, as text, so that it can be shown again. */
export interface Entered {
  readonly name: string
  /** The choice of an expiry; undefined when there was none. */
  readonly expiry: string | undefined
  /** A day such as `2030-01-31`. */
  readonly date: string
  readonly scopes: readonly string[]
  /** One address or network on each line. */
  readonly addresses: string
}

/** The fields of a form for a key, in the order in which they are shown. */
export const FIELDS = ['name', 'expiry', 'scopes', 'addresses'] as const

/** What is wrong with what was entered, by field. */
export type FieldErrors = Readonly<Partial<Record<typeof FIELDS[number], string>>>

/** An empty form. */
export const NOTHING: Entered = { name: '', expiry: undefined, date: '', scopes: [], addresses: '' }

/**
 * Reads a form for a key.
 *
 * @throws FST_API_KEY_INVALID_ARGUMENT when a field that there is once was sent twice
 */
export function readEntered (fields: unknown): Entered {
  return {
    name: (readField(fields, 'name') ?? '').trim(),
    expiry: readField(fields, 'expiry'),
    date: (readField(fields, 'date') ?? '').trim(),
    scopes: readFields(fields, 'scopes'),
    addresses: (readField(fields, 'addresses') ?? '').replaceAll('\r\n', '\n')
  }
}

/** The networks that were entered; null for anywhere. */
export function toNetworks ({ addresses }: Pick<Entered, 'addresses'>): readonly string[] | null {
  const networks = addresses.split(/[\s,;]+/).filter((network) => network !== '')
  return networks.length === 0 ? null : networks
}

/**
 * What is wrong with the name, scopes and addresses that were entered.
 *
 * @param allowed the scopes that may be given
 */
export function findErrors (entered: Entered, allowed: readonly string[], language: Language): FieldErrors {
  const { say } = language
  const name = findNameError(entered.name, language)
  const unknown = entered.scopes.filter((scope) => !allowed.includes(scope))
  const networks = toNetworks(entered) ?? []
  const wrong = networks.filter((network) => !areNetworks([network]))
  return {
    ...(name !== null && { name }),
    ...((unknown.length > 0 || !areScopes(entered.scopes)) && { scopes: say('form.scopesWrong') }),
    ...(wrong.length > 0
      ? { addresses: say('form.addressesWrong', { wrong: wrong.slice(0, 3).map((network) => network.slice(0, 50)).join(', ') }) }
      : networks.length > MAX_NETWORKS && { addresses: say('form.addressesMany', { max: MAX_NETWORKS }) })
  }
}
