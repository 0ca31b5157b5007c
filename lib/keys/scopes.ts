import { MissingScopesError } from '../errors.js'
import type { ApiUser } from './records.js'

/**
 * The scopes that the application declares, for TypeScript. Augment it, and scopes are completed, and others refused:
 *
 * @example
 * import 'fastify-apikey'
 *
 * declare module 'fastify-apikey' {
 *   interface ApiKeyScopes { 'buckets:read': true, 'buckets:write': true }
 * }
 */
export interface ApiKeyScopes {}

/** The scope that lets a key manage its owner's keys by the API. */
export const MANAGE = 'api-keys:manage'

/** A declared scope, or the one of the API; any text where the application does not augment `ApiKeyScopes`. */
export type ApiKeyScope = keyof ApiKeyScopes extends never ? string : Extract<keyof ApiKeyScopes, string> | typeof MANAGE

/** How many scopes a list may have. */
export const MAX_SCOPES = 100

/** What a scope is, in words. */
export const SCOPE_FORM = '1 to 100 printable ASCII characters without blanks, quotes and backslashes'

/** Whether a value is a scope as RFC 6750, section 3, allows it, so that it can stand in a challenge. */
export function isScope (value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(value)
}

/** Whether a value is a list of different scopes. */
export function areScopes (value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_SCOPES && Array.from<unknown>(value).every(isScope) && new Set(value).size === value.length
}

/**
 * The scopes of a list that are in another.
 *
 * @param within null is every scope
 */
export function narrow (scopes: readonly string[], within: readonly string[] | null): readonly string[] {
  return within === null ? scopes : scopes.filter((scope) => within.includes(scope))
}

/** The error for a key that lacks some of these scopes, with those that it lacks; null when it has them all. */
export function findMissing ({ keyId, scopes }: Pick<ApiUser, 'keyId' | 'scopes'>, wanted: readonly string[]): Error | null {
  const missing = wanted.filter((scope) => !scopes.includes(scope))
  return missing.length === 0 ? null : Object.assign(new MissingScopesError(missing.join(', ')), { keyId, missing })
}
