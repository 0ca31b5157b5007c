import { describe } from '../checks.js'
import { RouteConfigError, UndeclaredScopeError } from '../errors.js'
import { isScope, type ApiKeyScope } from '../keys/scopes.js'

/** What a route may say in `config.apiKey`. */
export type RouteApiKey = false | true | 'optional' | { readonly scopes: readonly ApiKeyScope[] }

/** What a route asks of a request: nothing, a key if there is one, a key, or a key with all of these scopes. */
export type Rule = 'open' | 'optional' | 'required' | readonly string[]

/**
 * Reads `config.apiKey` of a route. Only literal `false` opens it.
 *
 * @param fallback what holds when the route says nothing
 * @throws FST_API_KEY_INVALID_ROUTE_CONFIG
 */
export function toRule (value: unknown, fallback: Rule, route: string | undefined): Rule {
  if (value === undefined) return fallback
  if (value === false) return 'open'
  if (value === true) return 'required'
  if (value === 'optional') return 'optional'
  if (hasScopes(value)) return value.scopes
  throw new RouteConfigError(route ?? 'without a URL', describe(value))
}

function hasScopes (value: unknown): value is { scopes: string[] } {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'scopes') return false
  const { scopes } = value as { scopes?: unknown }
  return Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope)
}

/**
 * Refuses a route that asks for scopes which no key can have.
 *
 * @param declared null when any scope may be given
 * @throws FST_API_KEY_UNDECLARED_SCOPE
 */
export function refuseUndeclared (rule: Rule, declared: ReadonlyMap<string, string> | null, route: string | undefined): void {
  if (typeof rule === 'string' || declared === null) return
  const undeclared = rule.filter((scope) => !declared.has(scope))
  if (undeclared.length > 0) throw new UndeclaredScopeError(route ?? 'without a URL', undeclared.join(', '), [...declared.keys()].join(', '))
}
