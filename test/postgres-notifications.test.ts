import t, { type Test } from 'tap'
import { ApiKeys } from '../lib/keys/service.js'
import { digestOf } from '../lib/keys/secret.js'
import { openStore } from '../lib/store/open.js'
import type { AccessRow } from '../lib/store/rows.js'
import type { Change, Store } from '../lib/store/store.js'
import { ask, server, silentLog } from './helpers/app.js'
import { freshSchema, quiet } from './helpers/postgres.js'
import { openSettings, rules } from './helpers/rows.js'
import { until } from './helpers/server.js'

/** Two nodes with a key that both have in memory, and a connection beside them. */
async function twoNodes (t: Test) {
  const { url, schema, client } = await freshSchema(t)
  const nodes = [await server(t, { database: url, schema }), await server(t, { database: url, schema })] as const
  const { key, id } = await nodes[0].apiKeys.create('ann', { name: 'laptop' })
  for (const node of nodes) await ask(node, key)
  const sql = (text: string, values: unknown[] = []) => client.query(text.replaceAll('$schema', schema), values)
  return { nodes, key, id, sql, client, schema }
}

const changes: [string, number, string][] = [
  ['UPDATE', 401, 'UPDATE $schema.api_keys SET revoked_at = 1'],
  ['DELETE', 401, 'DELETE FROM $schema.api_keys'],
  ['DELETE of the profile, which takes its keys along', 401, 'DELETE FROM $schema.api_key_profiles'],
  ['TRUNCATE', 401, 'TRUNCATE $schema.api_keys CASCADE'],
  ['TRUNCATE of the profiles, which takes the keys along', 401, 'TRUNCATE $schema.api_key_profiles CASCADE'],
  ['UPDATE of the digest', 401, "UPDATE $schema.api_keys SET digest = sha256('another')"],
  ['UPDATE of the profile', 403, 'UPDATE $schema.api_key_profiles SET can_use_api = false'],
  ['UPDATE that marks the profile as deleted', 401, 'UPDATE $schema.api_key_profiles SET deleted_at = 5'],
  ['UPDATE during which ordinary triggers rest', 401, 'SET session_replication_role = replica; UPDATE $schema.api_keys SET revoked_at = 1; RESET session_replication_role'],
  ['INSERT that becomes an UPDATE', 401, 'INSERT INTO $schema.api_keys SELECT * FROM $schema.api_keys ON CONFLICT (id) DO UPDATE SET revoked_at = 1']
]

for (const [what, status, statement] of changes) {
  t.test(`a key in the memory of two nodes is refused by both after a plain ${what}`, async (t) => {
    const { nodes, key, sql } = await twoNodes(t)
    const changedAt = performance.now()
    await sql(statement)
    for (const node of nodes) await until(async () => (await ask(node, key)).status === status)
    t.ok(performance.now() - changedAt < 500, 'long before the cache would be given up by itself')
  })
}

t.test('every column is announced but those that a use writes and those that no request depends on', async (t) => {
  const { sql, client, schema } = await twoNodes(t)
  const heard: string[] = []
  client.on('notification', ({ payload }) => heard.push(String(payload)))
  await client.query('LISTEN api_key_changes')
  const values: Record<string, string> = { text: "'x'", bytea: 'sha256(random()::text::bytea)', bigint: '7', integer: '7', boolean: 'true', jsonb: '\'["x"]\'' }
  for (const [table, silent] of [
    ['api_keys', ['created_at', 'metadata', 'nonce', 'quota_since', 'quota_used', 'revoked_reason', 'rotated_at', 'start']],
    ['api_key_profiles', ['can_make_keys', 'created_at', 'expiry_default', 'expiry_max', 'last_access_at', 'max_keys']]
  ] as const) {
    const { rows } = await client.query('SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2', [schema, table])
    const unheard: string[] = []
    for (const { name, type } of rows.filter(({ name }) => !/^(id|profile_id)$/.test(name))) {
      heard.length = 0
      await sql(`UPDATE $schema.${table} SET ${name} = ${values[type]}`)
      if (!heard.some((payload) => payload.endsWith(` ${schema}`))) unheard.push(name)
    }
    t.strictSame(unheard.toSorted(), silent)
  }
})

t.test('a key in rotation is announced by both of its digests', async (t) => {
  const { sql, client } = await twoNodes(t)
  const heard: string[] = []
  client.on('notification', ({ payload }) => heard.push(String(payload)))
  await client.query('LISTEN api_key_changes')
  const { rows: [key] } = await sql("UPDATE $schema.api_keys SET previous_digest = sha256('old') RETURNING encode(digest, 'hex') AS current, encode(previous_digest, 'hex') AS previous")
  heard.length = 0
  await sql('UPDATE $schema.api_keys SET revoked_at = 1')
  const digests = heard.map((payload) => payload.split(' ')[1])
  t.ok(digests.includes(key.current) && digests.includes(key.previous))
})

t.test('what one node changes is refused by that node at once, and by the other when it hears of it', async (t) => {
  const { nodes: [one, other], key, id } = await twoNodes(t)
  await one.apiKeys.profiles.update('ann', { canUseApi: false })
  t.equal((await ask(one, key)).status, 403)
  await until(async () => (await ask(other, key)).status === 403)
  await one.apiKeys.profiles.update('ann', { canUseApi: null })
  t.equal((await ask(one, key)).status, 200)
  await until(async () => (await ask(other, key)).status === 200)
  await one.apiKeys.update(id, { name: 'phone' })
  t.match((await ask(one, key)).body.user, { keyName: 'phone' })
  await until(async () => (await ask(other, key)).body.user?.['keyName'] === 'phone')
  await one.apiKeys.revoke(id)
  t.equal((await ask(one, key)).status, 401)
  await until(async () => (await ask(other, key)).status === 401)
})

t.test('deleting a profile on one node ends its keys on both', async (t) => {
  const { nodes: [one, other], key } = await twoNodes(t)
  await one.apiKeys.profiles.delete('ann')
  t.equal((await ask(one, key)).status, 401)
  await until(async () => (await ask(other, key)).status === 401)
})

t.test('a change is not told before it is committed, and never when it is rolled back', async (t) => {
  const { nodes: [node], key, sql } = await twoNodes(t)
  await sql('BEGIN')
  await sql('UPDATE $schema.api_keys SET revoked_at = 1')
  await sql('ROLLBACK')
  await sql('BEGIN')
  await sql('UPDATE $schema.api_keys SET revoked_at = 1')
  t.equal((await ask(node, key)).status, 200)
  await sql('COMMIT')
  await until(async () => (await ask(node, key)).status === 401)
})

/** A store and what it tells. */
async function watched (t: Test): Promise<{ store: Store, told: Change[], sql: (text: string, values?: unknown[]) => Promise<unknown> }> {
  const { url, schema, client } = await freshSchema(t)
  const store = await openStore({ database: url, schema, migrate: true }, quiet)
  t.teardown(() => store.close())
  const told: Change[] = []
  store.watch((change) => told.push(change))
  return { store, told, sql: (text, values) => client.query(text.replaceAll('$schema', schema), values) }
}

const draft = (userId: string, n: number) => ({
  id: `key-${n}`, userId, name: '', start: 'ak_0000', digest: digestOf(`secret ${n}`), nonce: null, createdAt: 1, makeProfile: true
})

t.test('exactly what changed is told, and nothing about uses and logouts', async (t) => {
  const { store, told, sql } = await watched(t)
  const made = await store.insertKeys([draft('ann', 1), draft('ann', 2)], 1, rules(-1))
  const profileId = made.refused === null ? made.profiles[0]?.id ?? 0 : 0
  await store.saveUses([{ keyId: 'key-1', at: 5, ip: '::1', previousAt: 5 }])
  await store.logoutKey('key-1', 6)
  await store.updateProfile('nobody', { canUseApi: false })
  await sql('UPDATE $schema.api_keys SET created_at = 7, name = name')
  const generation = store.generation()
  await sql("UPDATE $schema.api_keys SET name = 'x' WHERE id = 'key-2'")
  await until(() => told.length > 0)
  t.strictSame(told, [{ digest: digestOf('secret 2') }])
  told.length = 0
  await sql("UPDATE $schema.api_keys SET digest = $1 WHERE id = 'key-2'", [Buffer.from(digestOf('secret 3'), 'latin1')])
  await until(() => told.length > 1)
  t.strictSame(told, [{ digest: digestOf('secret 2') }, { digest: digestOf('secret 3') }])
  told.length = 0
  await sql("UPDATE $schema.api_key_profiles SET user_id = 'bob'")
  await until(() => told.length > 0)
  t.strictSame(told, [{ profileId }])
  t.equal(store.generation(), generation)
  t.type(generation, 'number')
})

t.test('of several uses of a key in one batch the newest counts', async (t) => {
  const { store } = await watched(t)
  await store.insertKeys([draft('ann', 1)], 1, rules(-1))
  await store.saveUses([5, 7, 3].map((at) => ({ keyId: 'key-1', at, ip: `10.0.0.${at}`, previousAt: null })))
  t.match(await store.getKey('key-1'), { lastUsedAt: 7, loggedIp: '10.0.0.7' })
  t.match(await store.getProfile('ann'), { lastAccessAt: 7 })
})

t.test('a profile whose id changes is told by both ids', async (t) => {
  const { store, told, sql } = await watched(t)
  const { row } = await store.ensureProfile('ann', {}, 1)
  await sql('UPDATE $schema.api_key_profiles SET id = 77')
  await until(() => told.length > 1)
  t.strictSame(told, [{ profileId: row.id }, { profileId: 77 }])
})

t.test('a message that is not understood empties the cache, and one for others does nothing', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const store = await openStore({ database: url, schema, migrate: true }, quiet)
  t.teardown(() => store.close())
  const before = store.generation()
  for (const payload of ['', 'nonsense', `key 00 another_${schema}`]) await client.query("SELECT pg_notify('api_key_changes', $1)", [payload])
  await client.query("SELECT pg_notify('api_key_changes', $1)", [`something new ${schema}`])
  await until(() => store.generation() !== before)
  t.equal(store.generation(), Number(before) + 1)
})

t.test('a message about what is no digest changes nothing, and those after it are heard', async (t) => {
  const { nodes, key, sql, client, schema } = await twoNodes(t)
  for (const value of ['00', 'digest', '00'.repeat(33), '00'.repeat(32)]) await client.query("SELECT pg_notify('api_key_changes', $1)", [`key ${value} ${schema}`])
  await sql("UPDATE $schema.api_keys SET name = 'new'")
  for (const node of nodes) await until(async () => (await ask(node, key)).body.user?.['keyName'] === 'new')
})

t.test('tables in two schemas of one database have nothing to do with each other', async (t) => {
  const [one, other] = [await twoNodes(t), await twoNodes(t)]
  await one.sql('UPDATE $schema.api_keys SET revoked_at = 1')
  await until(async () => (await ask(one.nodes[1], one.key)).status === 401)
  t.equal((await ask(other.nodes[1], other.key)).status, 200)
  t.equal((await ask(other.nodes[1], one.key)).status, 401)
})

const settings = { prefixes: ['ak'] as const, keySize: 32, ...openSettings, autoProfile: true, cacheSize: 100, recordIp: true, failureLimit: null, now: Date.now }

t.test('a look-up that was under way when its key was revoked does not bring the key back', async (t) => {
  const { store, told, sql } = await watched(t)
  let open = () => {}
  let gate = Promise.resolve()
  let lookups = 0
  let found = 0
  const slow = Object.assign(Object.create(store) as Store, {
    async findByDigest (digest: string): Promise<AccessRow | null> {
      lookups += 1
      const row = await store.findByDigest(digest)
      found += 1
      await gate
      return row
    }
  })
  const service = new ApiKeys(slow, settings, silentLog)
  const { key } = await service.create('ann')
  gate = new Promise((resolve) => { open = resolve })
  const before = [service.verify(key), service.verify(key)]
  await until(() => found > 0)
  t.equal(lookups, 1, 'two that want one key at the same time share a look-up')
  await sql('UPDATE $schema.api_keys SET revoked_at = 1')
  await until(() => told.length > 0)
  const after = service.verify(key)
  t.equal(lookups, 2, 'one that comes after the change does not')
  const refused = t.rejects(after, { code: 'FST_API_KEY_REVOKED' })
  open()
  for (const access of before) t.match(await access, { id: 'ann' }, 'what was asked before the change was true then')
  await refused
  await t.rejects(service.verify(key), { code: 'FST_API_KEY_REVOKED' })
})

t.test('changes of more profiles than are remembered one by one empty the cache', async (t) => {
  const { store, told, sql } = await watched(t)
  let lookups = 0
  const counting = Object.assign(Object.create(store) as Store, {
    findByDigest (digest: string) {
      lookups += 1
      return store.findByDigest(digest)
    }
  })
  const service = new ApiKeys(counting, settings, silentLog)
  const { key } = await service.create('ann')
  await service.createMany(Array.from({ length: 1500 }, (_, i) => ({ userId: `user-${i}` })))
  await service.verify(key)
  await service.verify(key)
  t.equal(lookups, 1)
  await sql("UPDATE $schema.api_key_profiles SET can_use_api = true WHERE user_id LIKE 'user-%' AND id < 500")
  await until(() => told.length >= 400)
  await service.verify(key)
  t.equal(lookups, 1, 'some changes of others do no harm')
  told.length = 0
  await sql("UPDATE $schema.api_key_profiles SET can_use_api = can_use_api IS NULL WHERE user_id LIKE 'user-%'")
  await until(() => told.length >= 1500)
  await service.verify(key)
  t.equal(lookups, 2)
})
