import { hash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { ask, server } from './helpers/app.js'
import { compile, run } from './helpers/module.js'
import { freshSchema } from './helpers/postgres.js'
import { blocks, promises } from './helpers/readme.js'
import { connection } from './helpers/sqlite.js'

t.setTimeout(180_000)

const sql = blocks('sql', 'docs/incident.md').map(({ code }) => code)
const ZEROS = '0'.repeat(64)

/** The statements for one engine, first the question and then the answer to it, for a secret. */
function statements (first: number, secret: string): [string, string] {
  const [find = '', revoke = ''] = [sql[first], sql[first + 2]]
  const digest = hash('sha256', secret)
  return [find.replace(ZEROS, digest), revoke.replace(ZEROS, digest)]
}

t.test('the SQL for SQLite finds a leaked key and revokes it, and nothing else', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const app = await server(t, { database })
  const client = connection(t, database)
  const { id, key } = await app.apiKeys.create('ann', { name: 'Laptop' })
  const other = await app.apiKeys.create('ann')
  await app.apiKeys.verify(key, { ip: '192.0.2.7' })
  await app.apiKeys.flush()
  const [find, revoke] = statements(0, key)
  t.match(client.prepare(find).all(), [{ id, user_id: 'ann', name: 'Laptop', revoked_at: null, logged_ip: '192.0.2.7' }])
  client.exec('UPDATE api_key_profiles SET deleted_at = 5')
  t.match(client.prepare(find).all(), [{ id, revoked_at: 5 }], 'a key is as dead as its profile')
  client.exec('UPDATE api_key_profiles SET deleted_at = NULL')
  const before = Date.now()
  t.equal(client.prepare(revoke).run().changes, 1)
  t.equal(client.prepare(revoke).run().changes, 0, 'and again changes nothing')
  const revokedAt = (await app.apiKeys.get(id))?.revokedAt?.getTime() ?? 0
  t.ok(revokedAt >= before && revokedAt <= Date.now())
  await new Promise(setImmediate)
  t.match((await ask(app, key)).body, { code: 'FST_API_KEY_REVOKED' })
  t.equal((await ask(app, other.key)).status, 200)
})

t.test('the SQL for PostgreSQL finds a leaked key and revokes it, and nothing else', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const app = await server(t, { database: url, schema })
  const { id, key } = await app.apiKeys.create('ann', { name: 'Laptop' })
  const other = await app.apiKeys.create('ann')
  await app.apiKeys.verify(key, { ip: '192.0.2.7' })
  await app.apiKeys.flush()
  await client.query(`SET search_path = ${schema}`)
  const [find, revoke] = statements(1, key)
  t.match((await client.query(find)).rows, [{ id, user_id: 'ann', name: 'Laptop', revoked_at: null, logged_ip: '192.0.2.7' }])
  await client.query('UPDATE api_key_profiles SET deleted_at = 5')
  t.match((await client.query(find)).rows, [{ id, revoked_at: '5' }], 'a key is as dead as its profile')
  await client.query('UPDATE api_key_profiles SET deleted_at = NULL')
  const before = Date.now()
  t.equal((await client.query(revoke)).rowCount, 1)
  t.equal((await client.query(revoke)).rowCount, 0, 'and again changes nothing')
  const revokedAt = (await app.apiKeys.get(id))?.revokedAt?.getTime() ?? 0
  t.ok(revokedAt >= before && revokedAt <= Date.now())
  t.match((await ask(app, other.key)).status, 200)
  // The change is announced to this process within moments; until it arrives the key may be used.
  for (let i = 0; i < 500 && (await ask(app, key)).status === 200; i++) await new Promise(setImmediate)
  t.match((await ask(app, key)).body, { code: 'FST_API_KEY_REVOKED' })
})

t.test('the code does what it says', async (t) => {
  const examples = blocks('ts', 'docs/incident.md')
  const { faults, files } = compile(t.testdir(), examples.map(({ code }) => code))
  t.strictSame(faults, [])
  t.equal(files.length, 2)
  for (const [i, { code }] of examples.entries()) {
    const { output, errors } = await run(t, files[i] ?? '').ended
    t.equal(errors, '')
    t.strictSame(output.trimEnd().split('\n'), promises(code))
  }
})
