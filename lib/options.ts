import { checkObject, describe, isBoolean, isFunction, isOneOrMore, isPath, isPlainObject, isText, isWhole, type Checks } from './checks.js'
import { CallbackError, OptionError } from './errors.js'
import { isKeyPrefix, MAX_KEY_SIZE, MIN_KEY_SIZE } from './keys/secret.js'
import { toExpiryTerms, type ExpiryOptions } from './keys/expiry.js'
import { checkExpiry, MAX_MAX_KEYS } from './keys/profile-arguments.js'
import { MANAGE, type ApiKeyScope } from './keys/scopes.js'
import type { Terms } from './keys/terms.js'
import { resolveGroups, resolveScopes, type GroupOptions } from './groups.js'
import type { User } from './keys/records.js'
import { checkLimits, toQuotaTerms, toRateLimit, toRateTerms, type QuotaOptions, type RateLimit, type RateLimitOptions } from './limits.js'
import { isHeaderName } from './http/header.js'
import { isOrigin } from './http/origin.js'
import { resolvePages, type PagesOptions, type PagesSettings } from './http/pages/settings.js'
import type { GetUser } from './http/visitor.js'
import { DATABASE_FORMS, DEFAULT_DATABASE, isDatabase, isPostgres, type DatabaseOption } from './store/open.js'

/** Where the JSON API is. */
export interface ApiOptions {
  /** Where the API is served, below the prefix that `register` itself was given. Default `/api-keys`. */
  prefix?: string
  /**
   * Other origins, such as `https://app.example.com`, whose pages may change keys by the session of whoever is signed in. For a front
   * end of its own origin, which needs CORS with credentials too. Default none.
   */
  trustedOrigins?: string[]
}

/** What `fastify.register(apiKey, options)` takes. All of it is optional. */
export interface ApiKeyOptions {
  /**
   * A path to a SQLite file, `':memory:'`, a `postgres://` URL, or what the application already has, and then also closes:
   * a better-sqlite3 `Database`, a `pg.Pool`, or a Drizzle database on one of them. Default `'apikeys.db'` in the working
   * directory.
   *
   * PostgreSQL needs the package `pg`. Of an own pool, up to `max` connections are used for look-ups and changes, and one
   * more is opened with its settings to hear of changes. Give it a `connectionTimeoutMillis` and a `statement_timeout`.
   */
  database?: DatabaseOption
  /** The PostgreSQL schema of the tables, made if there is none. Default the first of the connection's search path, mostly `public`. */
  schema?: string
  /** Whether start-up brings the tables up to date. With `false` it checks that they are there. Default `true`. */
  migrate?: boolean
  /** The header that carries the key, or several, of which the first one present decides. Default `'X-Api-Authorization'`. */
  header?: string | string[]
  /** The realm of the challenge in a 401. Default `'API'`. */
  realm?: string
  /** Whether a route that says nothing itself needs a key. With `false` it takes one, but does without. Default `true`. */
  required?: boolean
  /** The first part of new keys, a letter and up to 15 letters, digits or underscores. Of a list, the first. Default `'ak'`. */
  prefix?: string | string[]
  /** Random characters in a new key, 22 to 128. Default 32, which is 190 bits. */
  keySize?: number
  /** Live keys that a profile may hold when it says nothing itself; -1 is unlimited. Default -1. */
  maxKeys?: number
  /** The scopes that keys may have and routes may ask for, each with a description. Without it, any well-formed scope is taken. */
  scopes?: { readonly [scope in Exclude<ApiKeyScope, typeof MANAGE>]: string } & { readonly [MANAGE]?: string }
  /** What holds for the profiles that belong to a group, by its name. */
  groups?: { readonly [name: string]: GroupOptions }
  /** How long keys live when they say nothing themselves, and at most. Default without end. */
  expiry?: ExpiryOptions
  /** Whether a user without a profile gets one on `create`, or on the first visit to the pages or request to the JSON API. Default `true`. */
  autoProfile?: boolean | ((user: User) => boolean | Promise<boolean>)
  /** Tells who is looking at the pages, or asks the JSON API without a key. Without it there are no pages, and that API is for programs alone. */
  getUser?: GetUser
  /** The pages; `false` turns them off. */
  pages?: false | PagesOptions
  /** The JSON API by which people and programs manage keys: `true`, or where it is. Default `false`. */
  api?: boolean | ApiOptions
  /** Verified keys kept in memory, at most `max` of them (2 to 10,000,000, default 100,000); `false` keeps none. */
  cache?: false | { max?: number }
  /** Requests in each window that each key may make when nothing else is said of it. Needs @fastify/rate-limit. Default no limit. */
  rateLimit?: RateLimitOptions
  /** Uses of each key when nothing else is said of it, in total or in each period. Default no quota. */
  quota?: QuotaOptions
  /**
   * Failed attempts from one address (a network of 64 bits with IPv6) within `timeWindow`, after which it has to wait until
   * that time is over. Keys that are in the cache pass all the same. Default none.
   */
  failureLimit?: RateLimitOptions
  /** Whether addresses are stored, logged and told. Default `true`. */
  recordIp?: boolean
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: () => number
}

/** The options with every default filled in; what the rest of the package works with. */
export interface Settings {
  readonly database: DatabaseOption
  readonly schema: string | undefined
  readonly migrate: boolean
  readonly headers: readonly [string, ...string[]]
  readonly realm: string
  readonly required: boolean
  readonly prefixes: readonly [string, ...string[]]
  readonly keySize: number
  /** What holds for profiles that say nothing themselves and are in no group that does. */
  readonly terms: Terms
  /** Null when any scope may be given. */
  readonly scopes: ReadonlyMap<string, string> | null
  readonly groups: ReadonlyMap<string, Terms>
  readonly autoProfile: boolean | ((user: User) => boolean | Promise<boolean>)
  readonly getUser: GetUser | undefined
  readonly pages: false | PagesSettings
  readonly cacheSize: number | false
  readonly failureLimit: RateLimit | null
  readonly recordIp: boolean
  /** Null when there is no API. */
  readonly api: { readonly prefix: string, readonly trustedOrigins: ReadonlySet<string> } | null
  readonly now: () => number
}

/** What people who choose among scopes are told of the API's own, unless the application says it in its words. */
const MANAGING = 'Make, change and revoke API keys that may no more than this one'

const SCHEMA = {
  allowed: 'a name of 1 to 63 bytes that does not begin with pg_, and goes only with PostgreSQL',
  test: (value: unknown) => isText(1, 63)(value) && Buffer.byteLength(value) <= 63 && !value.startsWith('pg_')
}

const OPTIONS: Checks = {
  database: { allowed: DATABASE_FORMS, test: isDatabase },
  schema: SCHEMA,
  migrate: { allowed: 'a boolean', test: isBoolean },
  header: { allowed: 'the name of a request header or a list of different ones, none of which HTTP itself gives a meaning but Authorization', test: isOneOrMore(isHeaderName, (name) => name.toLowerCase()), isItem: isHeaderName },
  realm: { allowed: '1 to 100 printable ASCII characters without quotes and backslashes', test: (value) => typeof value === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(value) },
  required: { allowed: 'a boolean', test: isBoolean },
  prefix: { allowed: 'a letter followed by up to 15 letters, digits or underscores, or a list of different ones', test: isOneOrMore(isKeyPrefix), isItem: isKeyPrefix },
  keySize: { allowed: `a whole number from ${MIN_KEY_SIZE} to ${MAX_KEY_SIZE}`, test: isWhole(MIN_KEY_SIZE, MAX_KEY_SIZE) },
  maxKeys: { allowed: `-1 (unlimited) or a whole number from 0 to ${MAX_MAX_KEYS}`, test: isWhole(-1, MAX_MAX_KEYS) },
  scopes: { allowed: 'an object with a description for each scope', test: isPlainObject },
  groups: { allowed: 'an object with a group for each name', test: isPlainObject },
  expiry: { allowed: 'an object with default and max', test: isPlainObject },
  autoProfile: { allowed: 'a boolean or a function of the user', test: (value) => isBoolean(value) || isFunction(value) },
  getUser: { allowed: 'a function of the request', test: isFunction },
  pages: { allowed: 'false or an object', test: (value) => value === false || isPlainObject(value) },
  api: { allowed: 'a boolean or an object', test: (value) => isBoolean(value) || isPlainObject(value) },
  cache: { allowed: 'false or an object', test: (value) => value === false || isPlainObject(value) },
  rateLimit: { allowed: 'an object with max and timeWindow', test: isPlainObject },
  quota: { allowed: 'an object with max and, where it begins anew, every', test: isPlainObject },
  failureLimit: { allowed: 'an object', test: isPlainObject },
  recordIp: { allowed: 'a boolean', test: isBoolean },
  now: { allowed: 'a function that returns milliseconds', test: isFunction }
}

const API: Checks = {
  prefix: { allowed: 'a path such as /api-keys, without a slash at its end', test: isPath },
  trustedOrigins: { allowed: 'a list of origins such as https://app.example.com, without a path and a slash at their end', test: (value) => Array.isArray(value) && Array.from<unknown>(value).every(isOrigin), isItem: isOrigin }
}

const CACHE: Checks = {
  max: { allowed: 'a whole number from 2 to 10000000', test: isWhole(2, 10_000_000) }
}

/**
 * Checks the options and fills in the defaults. The caller's object is neither kept nor changed.
 *
 * @throws FST_API_KEY_INVALID_OPTION naming the option and what is allowed
 */
export function resolveOptions (options: ApiKeyOptions): Settings {
  const refuse = (name: string, allowed: string, got: string) => new OptionError(name, allowed, got)
  checkObject(options, 'object', '', OPTIONS, refuse)
  if (isPlainObject(options.cache)) checkObject(options.cache, 'cache', 'cache.', CACHE, refuse)
  if (isPlainObject(options.api)) checkObject(options.api, 'api', 'api.', API, refuse)
  const { expiry = {}, api = false } = options
  checkExpiry(expiry, 'expiry', refuse)
  checkLimits(options, '', refuse)
  const scopes = resolveScopes(options.scopes && api !== false ? { [MANAGE]: MANAGING, ...options.scopes } : options.scopes, refuse)
  const pages = resolvePages(options.pages, refuse)
  const served = resolveApi(api)
  if (pages !== false && options.getUser !== undefined && served?.prefix === pages.prefix) throw refuse('api.prefix', 'another path than that of the pages', 'the same')
  const database = options.database ?? DEFAULT_DATABASE
  if (options.schema !== undefined && !isPostgres(database)) throw refuse('schema', SCHEMA.allowed, 'one with SQLite')
  return {
    database,
    schema: options.schema,
    migrate: options.migrate ?? true,
    headers: list(options.header ?? 'X-Api-Authorization'),
    realm: options.realm ?? 'API',
    required: options.required ?? true,
    prefixes: list(options.prefix ?? 'ak'),
    keySize: options.keySize ?? 32,
    terms: { maxKeys: options.maxKeys ?? -1, ...toExpiryTerms(expiry), ...toRateTerms(options.rateLimit), ...toQuotaTerms(options.quota) },
    scopes,
    groups: resolveGroups(options.groups, scopes, refuse),
    autoProfile: options.autoProfile ?? true,
    getUser: options.getUser,
    pages,
    api: served,
    cacheSize: options.cache === false ? false : options.cache?.max ?? 100_000,
    failureLimit: options.failureLimit === undefined ? null : toRateLimit(options.failureLimit, 'failureLimit', refuse),
    recordIp: options.recordIp ?? true,
    now: options.now === undefined || options.now === Date.now ? Date.now : checkedClock(options.now)
  }
}

function resolveApi (api: boolean | ApiOptions): Settings['api'] {
  if (api === false) return null
  const { prefix = '/api-keys', trustedOrigins = [] } = api === true ? {} : api
  return { prefix, trustedOrigins: new Set(trustedOrigins) }
}

/** The application's clock, in whole milliseconds, since databases take no others. */
function checkedClock (now: () => number): () => number {
  return () => {
    const time: unknown = now()
    if (typeof time !== 'number' || !Number.isFinite(time)) throw new CallbackError('now', 'a number of milliseconds', describe(time))
    return Math.floor(time)
  }
}

function list<T> (value: T | readonly T[]): [T, ...T[]] {
  const [first, ...rest] = Array.isArray(value) ? value as readonly [T, ...T[]] : [value as T]
  return [first as T, ...rest]
}
