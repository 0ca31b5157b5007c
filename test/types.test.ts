import type Database from 'better-sqlite3'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import Fastify, { type FastifyPluginAsync, type FastifyReply, type FastifyRequest, type onRequestHookHandler } from 'fastify'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Pool } from 'pg'
import t from 'tap'
import defaultExport, {
  apiKey, type ApiKeyCreated, type ApiKeyEvents, type ApiKeyOptions, type ApiKeyRevoked, type ApiKeys, type ApiUser, type ApiUserCreated,
  type ApiUserLoggedIn, type ApiUserLoggedOut, type BatchKeyOptions, type By, type ExpiryOptions, type KeyChanges, type Revocation, type DatabaseOption, type KeyOptions, type KeyRecord, type KeyState,
  type NewKey, type PagesOptions, type ProfileOptions, type ProfileRecord, type Profiles, type RouteApiKey, type User
} from '../lib/index.js'

/*
 * Checked by `npm run types`: what must compile is written down, what must not stands under @ts-expect-error, which is an
 * error itself where nothing is wrong. None of the functions is called.
 */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** Compiles only for two types that are the same. */
function same<A, B> (_proof: Same<A, B>): void {}

export async function registering (client: Database.Database, drizzle: BetterSQLite3Database & { $client: Database.Database }, pool: Pool, postgres: NodePgDatabase & { $client: Pool }): Promise<void> {
  const app = Fastify()
  await app.register(apiKey)
  await app.register(defaultExport, {})
  await app.register(apiKey, {
    database: ':memory:',
    migrate: false,
    header: ['Authorization', 'X-Key'],
    realm: 'x',
    required: false,
    prefix: ['ak', 'old'],
    keySize: 22,
    maxKeys: 5,
    autoProfile: async (user) => user.admin === true,
    getUser: async (request) => request.url === '/' ? null : { id: 'ann', name: 'Ann', admin: true, owner: 'acme' },
    pages: { prefix: '/mine', loginUrl: '/login', views: 'views' },
    cache: { max: 5 },
    now: () => 5
  })
  for (const database of [client, drizzle, 'keys.db', pool, postgres] satisfies DatabaseOption[]) await app.register(apiKey, { database })
  await app.register(apiKey, { header: 'X-Key', prefix: 'ak', autoProfile: false, getUser: () => undefined, pages: false, cache: false })
  Fastify({ http2: true }).register(apiKey, { prefix: ['a', 'b'] })
  // Other plugins keep their own options and those of Fastify.
  const other: FastifyPluginAsync<{ size: number }> = async () => {}
  app.register(other, { size: 5, prefix: '/other' })
  app.register(async (child, options) => { same<typeof options['prefix'], string>(true); child.get('/', async () => 'x') }, { prefix: '/x' })
  app.register((child, _options, done) => { child.get('/', async () => 'x'); done() }, { prefix: '/x' })
  // @ts-expect-error -- of another plugin a prefix is the text for its routes
  app.register(other, { size: 5, prefix: ['/other'] })
  // @ts-expect-error -- an unknown option
  app.register(apiKey, { headers: 'X-Key' })
  // @ts-expect-error -- no number
  app.register(apiKey, { keySize: '32' })
  // @ts-expect-error -- only false turns the pages off
  app.register(apiKey, { pages: true })
  // @ts-expect-error -- a user needs an id
  app.register(apiKey, { getUser: () => ({ name: 'Ann' }) })
  // @ts-expect-error -- not a database
  app.register(apiKey, { database: {} })
}

export function routing (): void {
  const app = Fastify()
  const handler = async (request: FastifyRequest, _reply: FastifyReply) => {
    same<typeof request.apiUser, ApiUser | null>(true)
    same<ReturnType<typeof request.apiLogout>, Promise<void>>(true)
    // @ts-expect-error -- there may be no user
    const { id } = request.apiUser
    // @ts-expect-error -- a user is not to be changed
    if (request.apiUser !== null) request.apiUser.id = 'eve'
    // @ts-expect-error -- nor are the scopes
    request.apiUser?.scopes.push('admin')
    return { id, owner: request.apiUser?.id }
  }
  for (const apiKey of [true, false, 'optional', { scopes: ['read'] }, { scopes: ['read'] as const }] satisfies RouteApiKey[]) app.get('/', { config: { apiKey } }, handler)
  app.get('/', { config: { limit: 5 } as object }, handler)
  app.get('/', { onRequest: app.verifyApiKey }, handler)
  same<typeof app.verifyApiKey, onRequestHookHandler>(true)
  // @ts-expect-error -- only false, true, 'optional' and scopes
  app.get('/', { config: { apiKey: 'required' } }, handler)
  // @ts-expect-error -- null says nothing
  app.get('/', { config: { apiKey: null } }, handler)
  // @ts-expect-error -- a list of scopes
  app.get('/', { config: { apiKey: { scopes: 'read' } } }, handler)
  // @ts-expect-error -- scopes and not scope
  app.get('/', { config: { apiKey: { scope: ['read'] } } }, handler)
}

export async function serving (): Promise<[string, Date | null, KeyState]> {
  const app = Fastify()
  const { apiKeys } = app
  same<typeof apiKeys, ApiKeys>(true)
  same<typeof apiKeys.profiles, Profiles>(true)
  const { key, lastUsedAt, state } = await apiKeys.create('ann', { name: 'laptop', nonce: 'n'.repeat(16) }, { actor: 'admin', ip: '10.0.0.1' })
  same<Awaited<ReturnType<typeof apiKeys.create>>, NewKey>(true)
  same<Awaited<ReturnType<typeof apiKeys.createMany>>, NewKey[]>(true)
  same<Awaited<ReturnType<typeof apiKeys.get>>, KeyRecord | null>(true)
  same<Awaited<ReturnType<typeof apiKeys.list>>, KeyRecord[]>(true)
  same<Awaited<ReturnType<ApiKeys['update' | 'revoke' | 'logout']>>, KeyRecord>(true)
  same<Awaited<ReturnType<typeof apiKeys.verify>>, ApiUser>(true)
  same<Awaited<ReturnType<typeof apiKeys.identify>>, KeyRecord | null>(true)
  same<Awaited<ReturnType<typeof apiKeys.profiles.get>>, ProfileRecord | null>(true)
  same<Awaited<ReturnType<typeof apiKeys.profiles.list>>, ProfileRecord[]>(true)
  same<Awaited<ReturnType<Profiles['create' | 'update' | 'delete']>>, ProfileRecord>(true)
  // @ts-expect-error -- a record has no secret
  same<NonNullable<Awaited<ReturnType<typeof apiKeys.get>>>['key'], string>(true)
  // @ts-expect-error -- an id is a string
  await apiKeys.create(5)
  // @ts-expect-error -- an unknown property
  await apiKeys.create('ann', { label: 'x' })
  // @ts-expect-error -- a nonce is for one key
  await apiKeys.createMany([{ userId: 'ann', nonce: 'n'.repeat(16) }])
  await apiKeys.create('ann', { scopes: ['a'], expiresIn: '90d', allowedIps: ['::1'], metadata: { team: 'x' } })
  await apiKeys.createMany([{ userId: 'ann', expiresAt: new Date() }, { userId: 'ann', expiresAt: null, expiresIn: 5 }])
  same<Awaited<ReturnType<typeof apiKeys.rotate>>, NewKey>(true)
  same<Awaited<ReturnType<ApiKeys['revokeAll' | 'expiring']>>, KeyRecord[]>(true)
  same<Awaited<ReturnType<typeof apiKeys.prune>>, number>(true)
  await apiKeys.rotate('id', { overlap: '24h' }, { actor: 'ann' })
  await apiKeys.revoke('id', { reason: 'leaked', actor: 'ann' } satisfies Revocation)
  await apiKeys.update('id', { enabled: false, expiresAt: null, metadata: null } satisfies KeyChanges)
  await apiKeys.profiles.create('ann', { group: 'free', scopes: null, expiry: { default: false, max: '1y' } satisfies ExpiryOptions, quota: { max: 5, every: '30d' } })
  await apiKeys.profiles.update('ann', { quota: false })
  // @ts-expect-error -- a quota without a maximum is none
  await apiKeys.create('ann', { quota: { every: '30d' } })
  // @ts-expect-error -- a time that nobody has to parse
  await apiKeys.create('ann', { expiresAt: '2030-01-01' })
  // @ts-expect-error -- one has to say how long
  await apiKeys.prune({})
  // @ts-expect-error -- the owner cannot be changed
  await apiKeys.update('id', { userId: 'eve' })
  await apiKeys.profiles.update('ann', { maxKeys: null, canUseApi: null, canMakeKeys: true })
  // @ts-expect-error -- null goes back to the default, a text does not
  await apiKeys.profiles.update('ann', { maxKeys: 'unlimited' })
  return [key, lastUsedAt, state]
}

export function listening ({ apiKeys }: { apiKeys: ApiKeys }): void {
  apiKeys.on('apiUserCreated', (event) => { same<typeof event, ApiUserCreated>(true); same<typeof event.profile, ProfileRecord>(true) })
  apiKeys.on('apiKeyCreated', async (event) => { same<typeof event, ApiKeyCreated>(true); same<typeof event.key, KeyRecord>(true) })
  apiKeys.once('apiKeyRevoked', ({ actor, ip, at }) => { same<[typeof actor, typeof ip, typeof at], [string | null, string | null, Date]>(true) })
  apiKeys.on('apiUserLoggedIn', ({ user, isNew, ip }) => { same<[typeof user, typeof isNew, typeof ip], [ApiUser, boolean, string | null]>(true) })
  apiKeys.off('apiUserLoggedOut', (event: ApiUserLoggedOut) => event.key.id)
  same<keyof ApiKeyEvents, 'apiUserCreated' | 'apiUserUpdated' | 'apiUserDeleted' | 'apiKeyCreated' | 'apiKeyUpdated' | 'apiKeyRotated' | 'apiKeyRevoked' | 'apiUserLoggedIn' | 'apiUserLoggedOut'>(true)
  same<ApiKeyEvents['apiKeyRevoked'], [ApiKeyRevoked]>(true)
  same<ApiKeyEvents['apiUserLoggedIn'], [ApiUserLoggedIn]>(true)
  // @ts-expect-error -- an event carries no secret
  apiKeys.on('apiKeyCreated', ({ key }) => key.key)
}

export const written = {
  by: { actor: 'ann' } satisfies By,
  key: { name: 'x' } satisfies KeyOptions,
  batch: { userId: 'ann' } satisfies BatchKeyOptions,
  profile: { maxKeys: -1 } satisfies ProfileOptions,
  pages: { prefix: '/x' } satisfies PagesOptions,
  user: { id: 'ann' } satisfies User,
  options: { cache: { max: 5 } } satisfies ApiKeyOptions
}

t.test('the entry exports the plugin under three names, and besides only what makes a rule for scanners', async (t) => {
  const entry: Record<string, unknown> = await import('../lib/index.js')
  t.strictSame(Object.keys(entry).toSorted(), ['apiKey', 'default', 'gitleaksRule', 'module.exports'])
  for (const name of Object.keys(entry).filter((name) => name !== 'gitleaksRule')) t.equal(entry[name], defaultExport)
})
