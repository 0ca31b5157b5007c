import type { FastifyBaseLogger, FastifyTypeProvider, onRequestHookHandler, RawServerBase, RawServerDefault } from 'fastify'
import type { RouteApiKey } from './http/rule.js'
import type { ApiUser } from './keys/records.js'
import type { ApiKeys } from './keys/service.js'
import type { ApiKeyOptions } from './options.js'
import { gitleaksRule } from './keys/leaks.js'
import { apiKey } from './plugin.js'

/** What `require` gives: the plugin itself, which carries the other exports. */
const required = Object.assign(apiKey, { apiKey, gitleaksRule })

export default apiKey
export { apiKey, gitleaksRule, required as 'module.exports' }

export type { RouteApiKey } from './http/rule.js'
export type { Duration } from './durations.js'
export type { GroupOptions } from './groups.js'
export type {
  ApiKeyCreated, ApiKeyEvents, ApiKeyRevoked, ApiKeyRotated, ApiKeyUpdated, ApiUserCreated, ApiUserLoggedIn, ApiUserLoggedOut,
  ApiUserDeleted, ApiUserUpdated, By
} from './keys/events.js'
export type { ExpiryOptions } from './keys/expiry.js'
export type { KeyChanges, KeyGrants } from './keys/granting.js'
export type { ProfileOptions, Profiles } from './keys/profiles.js'
export type { KeyCount, KeyPage, KeySearch } from './keys/listing.js'
export type { ProfileOwn, ProfileRecord } from './keys/profile-records.js'
export type { ApiUser, KeyRecord, KeyState, NewKey, User } from './keys/records.js'
export type { HistoryEntry, HistoryPage, HistoryQuery } from './keys/history.js'
export type { QuotaRecord } from './keys/records.js'
export type { RateRecord } from './keys/rate.js'
export type { DayUsage, UsageRange } from './keys/usage.js'
export type { QuotaOptions, RateLimit, RateLimitOptions } from './limits.js'
export type { Quota } from './store/bookkeeping.js'
export type { ApiKeyScope, ApiKeyScopes } from './keys/scopes.js'
export type { BatchKeyOptions, KeyOptions } from './keys/issuing.js'
export type { Revocation } from './keys/lifecycle.js'
export type { ApiKeys } from './keys/service.js'
export type { PagesOptions } from './http/pages/settings.js'
export type { ApiKeyOptions, ApiOptions } from './options.js'
export type { DatabaseOption, PostgresPool, SqliteConnection } from './store/open.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Issues, verifies and revokes keys, and emits the events. */
    apiKeys: ApiKeys
    /** The check as a hook function, for one scope or for @fastify/auth. Needs a key unless the route says otherwise. */
    verifyApiKey: onRequestHookHandler
  }

  interface FastifyRequest {
    /** The owner of the key that made this request, frozen; null when there is none. */
    apiUser: ApiUser | null
    /**
     * Ends the login of the key that made this request and sets `apiUser` to null. The key itself keeps working.
     * Does nothing when there is no user.
     */
    apiLogout (): Promise<void>
  }

  /* eslint-disable @typescript-eslint/no-unused-vars -- every declaration of an interface has the same parameters */
  // Fastify would have `prefix` be the string that it takes for routes; of this plugin it may be a list.
  interface FastifyRegister<
    T = void,
    RawServer extends RawServerBase = RawServerDefault,
    TypeProviderDefault extends FastifyTypeProvider = FastifyTypeProvider,
    LoggerDefault extends FastifyBaseLogger = FastifyBaseLogger
  > {
    (plugin: typeof apiKey, options?: ApiKeyOptions): T
  }
  /* eslint-enable @typescript-eslint/no-unused-vars */

  interface FastifyContextConfig {
    /**
     * What the route asks: `false` opens it, `true` needs a key, `'optional'` takes one but does without,
     * `{ scopes }` needs a key with all of them. Anything else is an error.
     */
    apiKey?: RouteApiKey
  }
}
