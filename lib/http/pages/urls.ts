/*
 * Addresses, put together from their parts. Imports nothing, so that whatever leads somewhere can import it.
 */

/** The page of a key. */
export function keyUrl (base: string, keyId: string): string {
  return `${base}/${encodeURIComponent(keyId)}`
}

/** An address with a query of what is not empty, behind the one that it may have. */
export function withQuery (url: string, query: Readonly<Record<string, string>>): string {
  return joinQuery(url, toQuery(Object.entries(query).filter(([, value]) => value !== '')))
}

/** The same with a query as `toQuery` makes it. */
export function joinQuery (url: string, query: string): string {
  return query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`
}

/** A query, in which a name may come several times, and what is empty is kept. */
export function toQuery (fields: readonly (readonly [name: string, value: string])[]): string {
  return fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
}
