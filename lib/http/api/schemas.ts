import type { FastifySchema } from 'fastify'
import type { Check } from '../../checks.js'
import { DURATION_FORMS } from '../../durations.js'
import { MAX_NETWORKS } from '../../keys/addresses.js'
import { MAX_REASON, REASON } from '../../keys/arguments.js'
import { grantChecks, MAX_NAME, type KeyBounds } from '../../keys/key-arguments.js'
import { MAX_SCOPES } from '../../keys/scopes.js'
import { MAX_MAX } from '../../limits.js'
import type { Schema } from './validation.js'

/*
 * What the API takes and answers, for its validation and for an OpenAPI document. What is said of a property completes the
 * sentence "… must be" where it is something to send.
 */

/** What is sent, in which nothing else may be. OpenAPI 3.0 takes no empty list of what is required. */
const object = (properties: Record<string, Schema>, required: readonly string[] = []): Schema =>
  ({ type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false })

/** What is answered, all of it, to which a later version may add. */
const answer = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties, required: Object.keys(properties) })

const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema.type as string, 'null'] })

const DURATIONS: readonly Schema[] = [{ type: 'integer', minimum: 1 }, { type: 'string', minLength: 2, maxLength: 40 }]
const DURATION: Schema = { description: DURATION_FORMS, anyOf: DURATIONS }
const MAX: Schema = { description: `a whole number from 1 to ${MAX_MAX}`, type: 'integer', minimum: 1, maximum: MAX_MAX }
const NONE: Schema = { type: 'boolean', enum: [false] }
const NOT_SAID: Schema = { type: 'null' }

/** What a key may be given, by the settings of the plugin. */
function grants (settings: KeyBounds): Record<string, Schema> {
  const { scopes } = settings
  const checks = grantChecks(settings)
  const allowed = (name: string) => (checks[name] as Check).allowed
  const scope: Schema = { type: 'string', minLength: 1, maxLength: 100, ...(scopes !== null && { enum: [...scopes.keys()] }) }
  return {
    name: { description: allowed('name'), type: 'string', maxLength: MAX_NAME },
    scopes: { description: allowed('scopes'), type: 'array', items: scope, maxItems: MAX_SCOPES, uniqueItems: true },
    expiresAt: { description: "a time in the future such as '2030-01-31T12:00:00Z' (RFC 3339), or null for never", type: ['string', 'null'], format: 'date-time' },
    expiresIn: { ...DURATION, description: `${allowed('expiresIn')}; not together with expiresAt` },
    allowedIps: { description: allowed('allowedIps'), type: ['array', 'null'], items: { type: 'string', maxLength: 50 }, minItems: 1, maxItems: MAX_NETWORKS },
    rateLimit: { description: allowed('rateLimit'), anyOf: [object({ max: MAX, timeWindow: DURATION }, ['max', 'timeWindow']), NONE, NOT_SAID] },
    quota: { description: allowed('quota'), anyOf: [object({ max: MAX, every: { ...DURATION, anyOf: [...DURATIONS, NOT_SAID] } }, ['max']), NONE, NOT_SAID] }
  }
}

const TIME: Schema = { type: 'string', format: 'date-time' }
const WHOLE: Schema = { type: 'integer', minimum: 0 }
const ANY_TEXT: Schema = { type: 'string' }

/** A key as the API shows it. */
const KEY = {
  id: ANY_TEXT,
  userId: { ...ANY_TEXT, description: 'whose key it is' },
  name: ANY_TEXT,
  start: { ...ANY_TEXT, description: "the secret's first characters" },
  state: { type: 'string', enum: ['active', 'disabled', 'expired', 'revoked'] },
  scopes: { type: 'array', items: ANY_TEXT },
  enabled: { type: 'boolean' },
  createdAt: TIME,
  expiresAt: { ...orNull(TIME), description: 'null for never' },
  lastUsedAt: orNull(TIME),
  loggedIp: { ...orNull(ANY_TEXT), description: 'the address of the current login, null where none is told' },
  rotatedAt: { ...orNull(TIME), description: 'when it got its present secret, where that is not its first' },
  previousUntil: { ...orNull(TIME), description: 'until when the secret before works' },
  previousUsedAt: orNull(TIME),
  allowedIps: { type: ['array', 'null'], items: ANY_TEXT, description: 'null for anywhere' },
  rateLimit: { anyOf: [answer({ max: WHOLE, timeWindow: WHOLE }), NONE, NOT_SAID], description: 'requests in each window of milliseconds; false for no limit, null for what holds otherwise' },
  quota: {
    anyOf: [answer({ max: WHOLE, every: orNull(WHOLE), used: WHOLE, resetsAt: orNull(TIME) }), NOT_SAID],
    description: 'uses in total or in each period of milliseconds; null for no quota'
  },
  revokedAt: orNull(TIME),
  revokedReason: orNull(ANY_TEXT)
} satisfies Record<string, Schema>

/** The names of what is shown of a key. */
export const SHOWN = Object.keys(KEY) as readonly (keyof typeof KEY)[]

const RECORD = answer(KEY)
const NEW_KEY = answer({ ...KEY, key: { ...ANY_TEXT, description: 'the secret, seen this once' } })
const CURSOR: Schema = { ...orNull(ANY_TEXT), description: 'gets the next page; null when there is none' }

const page = (name: string, item: Schema): Schema => answer({ [name]: { type: 'array', items: item }, cursor: CURSOR })

const ENTRY = answer({
  id: WHOLE,
  at: TIME,
  action: { ...ANY_TEXT, description: 'the name of the event, such as apiKeyRevoked' },
  actor: { ...orNull(ANY_TEXT), description: 'who did it: the id of a person, or key: and the id of the key of a program' },
  ip: { ...orNull(ANY_TEXT), description: 'from where, if it was whoever asks or the owner' },
  changes: { type: ['object', 'null'], additionalProperties: true, description: 'what changed, by name: a list of what was before and what is after' }
})

const DAY = answer({ day: { type: 'string', format: 'date' }, accepted: WHOLE, refused: { type: 'object', additionalProperties: WHOLE, description: 'by the code of the error' } })

const RATE: Schema = {
  anyOf: [
    answer({
      max: WHOLE,
      timeWindow: { ...WHOLE, description: 'in milliseconds' },
      remaining: { ...orNull(WHOLE), description: 'requests left in the present window; null when that cannot be told' },
      resetsAt: { ...orNull(TIME), description: 'when the present window is over; null when no request has begun one' }
    }),
    NOT_SAID
  ],
  description: 'what holds for the key, wherever that is said; null for no limit'
}

const FAILURE: Schema = {
  description: 'Refused, and nothing was changed.',
  type: 'object',
  properties: { statusCode: WHOLE, code: ANY_TEXT, error: ANY_TEXT, message: ANY_TEXT },
  required: ['statusCode', 'error', 'message']
}

/** The parameter of a route for one key. Outer prefixes may have others. */
const PARAMS: Schema = { type: 'object', properties: { id: { type: 'string', description: 'the id of a key' } }, required: ['id'] }

const LIMIT: Schema = { description: 'a whole number from 1 to 1000', type: 'integer', minimum: 1, maximum: 1000 }
const DATE: Schema = { description: "a day such as '2030-01-31'", type: 'string', format: 'date' }
const NO_QUERY = object({})

const withFailures = (status: number, description: string, schema: Schema) => ({ [status]: { ...schema, description }, '4xx': FAILURE, 503: FAILURE })

/** The schema of a route, with what it says of itself in a document. */
type RouteSchema = FastifySchema & { readonly operationId: string, readonly summary: string, readonly tags: readonly string[] }

const route = (operationId: string, summary: string, schema: FastifySchema): RouteSchema => ({ operationId, summary, tags: ['API keys'], ...schema })

/** The schemas of all routes. */
export function schemasOf (settings: KeyBounds) {
  const given = grants(settings)
  return {
    list: route('listApiKeys', 'Keys, newest first, revoked ones too', {
      querystring: object({
        // Shorter than any secret, so that none is put whole into an address.
        search: { description: 'text of 1 to 24 characters that is within the name, or that the secret begins with', type: 'string', minLength: 1, maxLength: 24 },
        live: { description: 'true for the live keys alone, or false for those that are revoked or expired', type: 'boolean' },
        limit: LIMIT,
        cursor: { description: 'the cursor of the page before', type: 'string', minLength: 1, maxLength: 100 }
      }),
      response: withFailures(200, 'A page of keys.', page('keys', RECORD))
    }),
    create: route('createApiKey', 'Makes a key', {
      querystring: NO_QUERY,
      body: object({ ...given, nonce: { description: 'text of 16 to 100 characters; a second request with the same one makes no key', type: 'string', minLength: 16, maxLength: 100 } }),
      response: withFailures(201, 'The key, with its secret.', NEW_KEY)
    }),
    get: route('getApiKey', 'One key', { params: PARAMS, querystring: NO_QUERY, response: withFailures(200, 'The key.', RECORD) }),
    update: route('updateApiKey', 'Changes what is named', {
      params: PARAMS,
      querystring: NO_QUERY,
      body: object({ ...given, enabled: { description: 'a boolean', type: 'boolean' } }),
      response: withFailures(200, 'The key as it is now.', RECORD)
    }),
    revoke: route('revokeApiKey', 'Revokes a key for good; its record stays', {
      params: PARAMS,
      querystring: object({ reason: { description: REASON.allowed, type: 'string', maxLength: MAX_REASON } }),
      response: withFailures(200, 'The key, revoked.', RECORD)
    }),
    rotate: route('rotateApiKey', 'Gives a key a new secret', {
      params: PARAMS,
      querystring: NO_QUERY,
      body: object({ overlap: { description: `how long the secret before goes on working: ${DURATION_FORMS}; 0 for not at all`, anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', minLength: 2, maxLength: 40 }] } }),
      response: withFailures(200, 'The key, with its new secret.', NEW_KEY)
    }),
    usage: route('getApiKeyUsage', 'How often a key was accepted and refused, by day in UTC', {
      params: PARAMS,
      querystring: object({ from: DATE, to: DATE }),
      response: withFailures(200, 'The days on which anything happened.', answer({ days: { type: 'array', items: DAY } }))
    }),
    rateLimit: route('getApiKeyRateLimit', 'The rate limit of a key and how much of it is left, which counts none of its requests', {
      params: PARAMS,
      querystring: NO_QUERY,
      response: withFailures(200, 'The limit.', answer({ rateLimit: RATE }))
    }),
    history: route('getApiKeyHistory', 'What was changed of a key and by whom, newest first', {
      params: PARAMS,
      querystring: object({ limit: LIMIT, cursor: { description: 'the cursor of the page before', type: 'string', pattern: '^[1-9][0-9]{0,15}$' } }),
      response: withFailures(200, 'A page of changes.', page('entries', ENTRY))
    }),
    self: route('getOwnApiKey', 'The key that makes the request', { querystring: NO_QUERY, response: withFailures(200, 'The key.', RECORD) }),
    // Whatever comes along must not keep a key from being ended.
    revokeSelf: route('revokeOwnApiKey', 'Revokes the key that makes the request, in whatever state it is', { response: { 204: { type: 'null', description: 'It is revoked.' }, '4xx': FAILURE, 503: FAILURE } })
  }
}
