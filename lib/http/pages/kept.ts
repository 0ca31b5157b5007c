import { readEntered, type Entered } from './entered.js'
import { toQuery } from './urls.js'

/*
 * What was entered, kept in an address while somebody signs in again, and read from there to fill the form in.
 */

/** How long it may become. It stands in the address of the way to sign in, for which its `%` are encoded once more. */
const MAX_QUERY = 4000

/**
 * What may be a secret, whole or mistyped, by a mistake of whoever entered it. Those do not belong into an address. Bounded,
 * since anybody may send a long text, in which each letter could begin one.
 */
const SECRET = /[A-Za-z][A-Za-z0-9_]{0,15}_[0-9A-Za-z]{22}/

/** What was entered, as the query of the page that has the form. */
export interface Kept {
  /** Empty for nothing. */
  readonly query: string
  /** False when something was too long, or looked like a secret. */
  readonly isAll: boolean
}

/** Fields with what was entered. */
export type Fields = readonly (readonly [name: string, value: string])[]

/**
 * Keeps what was entered.
 *
 * @param entered null when it could not be read
 * @param isChange whether the form changes a key, where a field that was emptied is not the same as one that is left out
 */
export function keep (entered: Entered | null, isChange: boolean): Kept {
  if (entered === null) return { query: '', isAll: false }
  const { name, expiry = '', date, scopes, addresses } = entered
  const chosen = scopes.map((scope) => ['scopes', scope] as const)
  const short: Fields = [['name', name], ['expiry', expiry], ['date', date], ...(chosen.length > 0 ? chosen : [['scopes', ''] as const])]
  // Addresses first, as they can be the longest; then everything but the name.
  const candidates: readonly Fields[] = [[...short, ['addresses', addresses]], short, [['name', name]]]
  return keepFirst(isChange ? candidates : candidates.map((fields) => fields.filter(([, value]) => value !== '')))
}

/** Keeps the first of several lists of fields, of which each is shorter than the one before, that is not too long. */
export function keepFirst (candidates: readonly Fields[]): Kept {
  for (const fields of candidates) {
    const told = fields.filter(([, value]) => !SECRET.test(value))
    const query = toQuery(told)
    if (query.length <= MAX_QUERY) return { query, isAll: fields === candidates[0] && told.length === fields.length }
  }
  return { query: '', isAll: false }
}

/**
 * Reads what was kept.
 *
 * @param otherwise what a field has that was not kept
 * @returns null when nothing was, or when it is not as it should be
 */
export function readKept (query: unknown, otherwise: Entered): Entered | null {
  try {
    const names = new Set(Object.keys(query as object))
    if (!['name', 'expiry', 'date', 'scopes', 'addresses'].some((name) => names.has(name))) return null
    const { name, expiry, date, scopes, addresses } = readEntered(query)
    return {
      name: names.has('name') ? name : otherwise.name,
      expiry: expiry ?? otherwise.expiry,
      date: names.has('date') ? date : otherwise.date,
      scopes: names.has('scopes') ? scopes.filter((scope) => scope !== '') : otherwise.scopes,
      addresses: names.has('addresses') ? addresses : otherwise.addresses
    }
  } catch {
    return null
  }
}
