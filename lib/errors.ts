import createError from '@fastify/error'
import type { Refuse } from './checks.js'
import { leaveOutSecrets } from './keys/secret.js'
import type { RateState } from './limits.js'

/*
 * Every error that the package raises. The message of an error below 500 may be shown to a caller; it never holds a secret,
 * a digest or SQL. Placeholders (%s) are filled where the error is raised.
 */

/**
 * An error that answers a caller's request. Without a stack trace, which would say nothing and cost more than all else that
 * a flood of bad keys does.
 */
function createRefusal (code: string, message: string, statusCode: number) {
  return createError(code, message, statusCode, Error, false)
}

/** An error whose message repeats what the caller passed, but for what may be a secret. */
function createTelling (code: string, message: string, statusCode: number) {
  return class extends createError(code, message, statusCode) {
    constructor (...told: (string | number)[]) {
      super(...told.map((value) => typeof value === 'string' ? leaveOutSecrets(value) : value))
    }
  }
}

/** An error that says no to a caller, with what else is known: the key it is about, and the seconds until a new try makes sense. */
export type Refusal = Error & { readonly code: string, readonly statusCode: number, readonly keyId?: string, readonly missing?: readonly string[], readonly retryAfter?: number, readonly rate?: RateState }

/** Whether an error is the answer to a caller, and not that something failed. */
export function isRefusal (error: unknown): error is Refusal {
  return error instanceof Error && 'code' in error && 'statusCode' in error && Number(error.statusCode) < 500
}

/** The status that an error names; 500 when it names none of a failure. An application's may be anything, and fail when it is asked. */
export function statusOf (error: unknown): number {
  try {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    return Number.isInteger(status) && status >= 400 && status < 600 ? status : 500
  } catch {
    return 500
  }
}

/** Seconds after which to try again when the database did not answer. It is back within one, or it takes longer. */
const RETRY_AFTER = 1

/** The headers by which an answer with this error says when to try again; none for other errors. */
export function retryHeaders (error: unknown): { readonly 'retry-after'?: string } {
  return error instanceof UnavailableError ? error.headers : {}
}

/** 401: the request carries no key in any of the accepted headers. */
export const MissingKeyError = createRefusal('FST_API_KEY_MISSING', 'An API key is required in the header %s', 401)

/** 401: there is a key, but it is malformed, mistyped or unknown. All three look the same to the caller. */
export const InvalidKeyError = createRefusal('FST_API_KEY_INVALID', 'The API key is invalid', 401)

/** 401: the key is real, but was revoked. Only told to whoever holds the secret. */
export const RevokedKeyError = createRefusal('FST_API_KEY_REVOKED', 'The API key was revoked', 401)

/** 401: the key is real, but its time is over. Only told to whoever holds the secret. */
export const ExpiredKeyError = createRefusal('FST_API_KEY_EXPIRED', 'The API key has expired', 401)

/** 401: the key is real, but switched off for now. Only told to whoever holds the secret. */
export const DisabledKeyError = createRefusal('FST_API_KEY_DISABLED', 'The API key is disabled', 401)

/** 401: the secret was replaced by a new one, and the time in which both were good is over. */
export const RotatedKeyError = createRefusal('FST_API_KEY_ROTATED', 'The API key has a new secret, and this one is no longer accepted', 401)

/** 403: the key may only be used from other addresses. */
export const AddressError = createRefusal('FST_API_KEY_ADDRESS', 'The API key may not be used from this address', 403)

/** 403: the profile is in a group that the application no longer declares. */
export const UnknownGroupError = createRefusal('FST_API_KEY_UNKNOWN_GROUP', 'The owner of this API key is in a group that does not exist', 403)

/** 403: the key is good, but its profile may not use the API (`canUseApi`). */
export const ApiForbiddenError = createRefusal('FST_API_KEY_API_FORBIDDEN', 'The owner of this API key may not use the API', 403)

/** 403: the key is good, but lacks a scope that the route asks for. */
export const MissingScopesError = createRefusal('FST_API_KEY_INSUFFICIENT_SCOPE', 'The API key lacks these scopes: %s', 403)

/** 429: the key made more requests than its rate limit allows. Carries `retryAfter`, in seconds. */
export const RateLimitError = createRefusal('FST_API_KEY_RATE_LIMIT_EXCEEDED', 'The API key made too many requests; try again later', 429)

/** 429: the quota of the key is used up. Carries `retryAfter`, in seconds, when it begins anew some time. */
export const QuotaError = createRefusal('FST_API_KEY_QUOTA_EXCEEDED', 'The quota of the API key is used up', 429)

/** 429: too many attempts from this address failed (`failureLimit`). Carries `retryAfter`, in seconds. */
export const TooManyFailuresError = createRefusal('FST_API_KEY_TOO_MANY_FAILURES', 'Too many attempts from this address failed; try again later', 429)

/** 403: the profile may not make keys (`canMakeKeys`). */
export const MakingForbiddenError = createTelling('FST_API_KEY_MAKING_FORBIDDEN', 'The user %j may not make API keys', 403)

/** 403: the key would have a scope that its profile or group does not allow. */
export const ForbiddenScopesError = createTelling('FST_API_KEY_SCOPE_NOT_ALLOWED', 'The keys of the user %j may have these scopes: %s, and not %s', 403)

/** 400: the key would live longer than its profile, its group or the plugin allows. */
export const ExpiryLimitError = createTelling('FST_API_KEY_EXPIRY_TOO_LATE', 'This key of the user %j must expire by %s, got %s', 400)

/** 403: a person or a program asks by the API for what is more than they may give. */
export const BeyondOwnError = createTelling('FST_API_KEY_BEYOND_OWN', '%s must be %s, as of whoever asks, got %s', 403)

/** 409: a key that is revoked or expired cannot be changed in this way any more. */
export const NotLiveError = createTelling('FST_API_KEY_NOT_LIVE', 'The API key %j is %s, and its %s cannot be changed any more', 409)

/** 409: the key got another secret since the caller looked at it, so nothing was done. */
export const RotatedMeanwhileError = createTelling('FST_API_KEY_ALREADY_ROTATED', 'The API key %j got another secret meanwhile', 409)

/** 403: the user has no profile, and `autoProfile` does not allow to make one. */
export const NoProfileError = createTelling('FST_API_KEY_NO_PROFILE', 'The user %j has no profile and may not get one', 403)

/** 409: the profile already holds as many live keys as it may. */
export const KeyLimitError = createTelling('FST_API_KEY_LIMIT_REACHED', 'The user %j may hold %d live API keys and cannot make another', 409)

/** 409: a key was already made with this nonce, so the form was sent twice. */
export const NonceUsedError = createError('FST_API_KEY_NONCE_USED', 'A key was already made with this nonce, and its secret was shown', 409)

/** 404: no key or profile has this id. */
export const NotFoundError = createTelling('FST_API_KEY_NOT_FOUND', 'No %s has the id %j', 404)

/** 400: an argument of a service call is wrong. Raised before the database is touched. */
export const ArgumentError = createTelling('FST_API_KEY_INVALID_ARGUMENT', '%s must be %s, got %s', 400)

/** Makes that error, for checks. */
export const refuseArgument: Refuse = (name, allowed, got) => new ArgumentError(name, allowed, got)

/** 403: a form was sent from a page of another origin. */
export const ForeignOriginError = createError('FST_API_KEY_FOREIGN_ORIGIN', 'This request was sent by a page of another origin', 403)

/**
 * 503: the database did not answer. What went wrong is in the log, as the error's cause. Carries `retryAfter`, in seconds, and
 * the header for it, which Fastify sets wherever no error handler of the application's answers.
 */
export class UnavailableError extends createError('FST_API_KEY_UNAVAILABLE', 'API keys cannot be checked at the moment', 503) {
  get retryAfter (): number {
    return RETRY_AFTER
  }

  get headers (): { readonly 'retry-after': string } {
    return { 'retry-after': String(RETRY_AFTER) }
  }
}

/** 500: a defect in this package or in its database's schema. What went wrong is in the log, as the error's cause. */
export const InternalError = createError('FST_API_KEY_INTERNAL', 'API keys cannot be checked because of an internal error', 500)

/** 500: an option of `register` is wrong. Raised at start-up. */
export const OptionError = createTelling('FST_API_KEY_INVALID_OPTION', 'The option %s must be %s, got %s', 500)

/** 500: `config.apiKey` of a route is none of the accepted values. Raised when the route is added, at the latest at its first request. */
export const RouteConfigError = createError('FST_API_KEY_INVALID_ROUTE_CONFIG', "config.apiKey of the route %s must be false, true, 'optional' or { scopes: [...] } with at least one scope, got %s", 500)

/** 500: a route asks for a scope that the option `scopes` does not declare. Raised when the route is added, at the latest at each of its requests. */
export const UndeclaredScopeError = createError('FST_API_KEY_UNDECLARED_SCOPE', 'The route %s asks for scopes that are not declared: %s. Declared are: %s', 500)

/** 500: the plugin is already there in this scope or around it. */
export const RegisteredError = createError('FST_API_KEY_ALREADY_REGISTERED', 'fastify-apikey is already registered in this scope or around it; register it once where both can see it, or in two scopes beside each other', 500)

/** 500: the database cannot be opened. */
export const OpenError = createError('FST_API_KEY_CANNOT_OPEN', 'The database %s cannot be opened: %s', 500)

/** 500: the role may not make the tables. Says what SQL lets it, and what to do when it shall not. */
export const MigrationError = createError('FST_API_KEY_CANNOT_MIGRATE', 'The role %s may not make the tables of fastify-apikey in the schema %s. %s', 500)

/** 500: `migrate` is false and the database lacks something that the package needs. */
export const SchemaError = createError('FST_API_KEY_SCHEMA_MISSING', 'The database lacks %s; apply the schema of this version, or set migrate to true', 500)

/** 500: a package that the chosen database needs is not installed. */
export const DriverMissingError = createError('FST_API_KEY_DRIVER_MISSING', 'The package %s is needed for this database; install it with: npm install %s', 500)

/** 500: `getUser`, `autoProfile` or `now` answered with something that is not of the documented form. */
export const CallbackError = createError('FST_API_KEY_INVALID_CALLBACK_RESULT', '%s must return %s, got %s', 500)

/** 500, or the status that was thrown: `getUser` failed. What it threw is the error's cause, for the log alone. */
export const CallbackFailedError = createError('FST_API_KEY_CALLBACK_FAILED', 'It cannot be found out who is asking', 500)
