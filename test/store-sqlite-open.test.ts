import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { getTableConfig } from 'drizzle-orm/sqlite-core'
import { migrate } from 'drizzle-orm/better-sqlite3/migrator'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import t from 'tap'
import apiKey, { type ApiKeyOptions } from '../lib/index.js'
import { digestOf, generateSecret } from '../lib/keys/secret.js'
import { generation, history, keys, profiles, triggers, usage, uses } from '../lib/store/sqlite/schema.js'
import { ask, bareServer, INFO, Log, server, WARN } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { countMigrations, statements } from './helpers/migrations.js'
import { forkNode } from './helpers/processes.js'
import { connection } from './helpers/sqlite.js'

const OPENER = fileURLToPath(new URL('helpers/opener.js', import.meta.url))
const MIGRATIONS = fileURLToPath(new URL('../drizzle/sqlite/', import.meta.url))

type Refusal = Error & { code: string }

/** Starts a server that is to fail, and gives the error. */
async function refusal (t: Test, options: ApiKeyOptions): Promise<Refusal> {
  const app = bareServer(t)
  try {
    await app.register(apiKey, options)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return Object.assign(error, { code: String(error.code) })
    throw error
  }
  throw new Error('it started')
}
type Test = Parameters<typeof server>[0]

/** Runs a step as somebody whom the permissions of files concern. */
async function unprivileged<T> (step: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await step()
  process.seteuid?.(65534)
  try {
    return await step()
  } finally {
    process.seteuid?.(0)
  }
}

t.test('a database that cannot be opened fails start-up with the absolute path and the reason', async (t) => {
  const folder = t.testdir({ 'text.db': 'this is not a database, it is a text that is long enough to be looked at', folder: {} })
  const cases: [string, RegExp][] = [
    ['missing/keys.db', /directory does not exist/],
    ['folder', /unable to open database file \(SQLITE_CANTOPEN/],
    ['text.db', /file is not a database \(SQLITE_NOTADB\)/],
    ['text.db/keys.db', /directory does not exist|unable to open/]
  ]
  for (const [name, reason] of cases) {
    const file = join(folder, name)
    const error = await refusal(t, { database: file })
    t.equal(error.code, 'FST_API_KEY_CANNOT_OPEN')
    t.ok(error.message.startsWith(`The database ${file} cannot be opened: `), error.message)
    t.match(error.message, reason)
  }
})

t.test('a file or a folder without permission to write says so', async (t) => {
  const folder = t.testdir()
  const [locked, readable] = [join(folder, 'locked'), join(folder, 'read-only.db')]
  mkdirSync(locked, { mode: 0o555 })
  new Database(readable).exec('CREATE TABLE a (b)').close()
  chmodSync(readable, 0o444)
  const [inLocked, ofReadable] = await unprivileged(async () => [
    await refusal(t, { database: join(locked, 'keys.db') }), await refusal(t, { database: readable })
  ] as const)
  t.match(inLocked, { code: 'FST_API_KEY_CANNOT_OPEN', message: /locked\/keys\.db cannot be opened: unable to open database file \(SQLITE_CANTOPEN/ })
  t.match(ofReadable, { code: 'FST_API_KEY_CANNOT_OPEN', message: /read-only\.db cannot be opened: attempt to write a readonly database \(SQLITE_READONLY/ })
})

t.test('a file is opened with the write-ahead log', async (t) => {
  const folder = t.testdir()
  const app = await server(t, { database: join(folder, 'keys.db') })
  await app.apiKeys.create('ann')
  t.ok(existsSync(join(folder, 'keys.db-wal')))
  t.strictSame(connection(t, join(folder, 'keys.db')).pragma('journal_mode'), [{ journal_mode: 'wal' }])
})

t.test('20 processes starting at once on an empty file all come up', async (t) => {
  const module = compiled(t)
  const file = join(t.testdirName, 'keys.db')
  const children = Array.from({ length: 20 }, (_, i) => forkNode(OPENER, module, file, `user ${i}`))
  await Promise.all(children.map((child) => once(child, 'message')))
  const answers = children.map((child) => once(child, 'message'))
  for (const child of children) child.send('go')
  t.strictSame((await Promise.all(answers)).map(([id]) => id), children.map((_, i) => `user ${i}`))
  const app = await server(t, { database: file })
  t.equal((await app.apiKeys.profiles.list()).length, 20)
})

t.test('start-up tries again while another process holds the lock', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const client = connection(t, file)
  client.exec('BEGIN IMMEDIATE')
  // The other process is done as soon as the first attempt was in vain.
  const release = () => { if (client.inTransaction) setImmediate(() => client.exec('COMMIT')) }
  const impatient = new Database(file, { timeout: 0, verbose: (statement) => { if (/^BEGIN/i.test(String(statement))) release() } })
  t.teardown(() => impatient.close())
  const app = await server(t, { database: impatient })
  t.ok(await app.apiKeys.create('ann'))
})

t.test('the exported tables are those that the migrations make', async (t) => {
  const client = connection(t, ':memory:')
  await server(t, { database: client })
  for (const table of [profiles, keys, uses, usage, history, generation]) {
    const { name, columns, foreignKeys } = getTableConfig(table)
    t.strictSame(client.prepare('SELECT name, type, "notnull" FROM pragma_table_info(?)').all(name),
      columns.map((column) => ({ name: column.name, type: column.getSQLType().toUpperCase(), notnull: column.notNull || (column.primary && column.getSQLType() === 'integer') ? 1 : 0 })))
    t.strictSame(client.prepare('SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list(?)').all(name),
      foreignKeys.map((key) => ({ table: getTableConfig(key.reference().foreignTable).name, from: key.reference().columns[0]?.name, to: key.reference().foreignColumns[0]?.name, on_delete: key.onDelete?.toUpperCase() })))
  }
})

t.test('keys outlive the process', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const first = await server(t, { database })
  const { key } = await first.apiKeys.create('ann')
  await first.close()
  t.match(await ask(await server(t, { database }), key), { status: 200, body: { user: { id: 'ann' } } })
})

t.test('a path is relative to the working directory, and the log has it in full', async (t) => {
  const log = new Log()
  const folder = t.testdir()
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  await server(t, { database: 'keys.db' }, log)
  t.ok(existsSync(join(folder, 'keys.db')))
  t.match(log.lines, [{ level: INFO, msg: 'API keys are kept in this database', database: resolve(folder, 'keys.db') }])
  const memory = new Log()
  await server(t, {}, memory)
  t.match(memory.lines, [{ database: ':memory:' }])
})

t.test('the bare default warns in production, and a chosen place does not', async (t) => {
  const folder = t.testdir()
  const before = process.cwd()
  const environment = process.env['NODE_ENV']
  process.chdir(folder)
  t.teardown(() => {
    process.chdir(before)
    if (environment === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = environment
  })
  const warnings = async (options: ApiKeyOptions) => {
    const log = new Log()
    const app = bareServer(t, log)
    await app.register(apiKey, options)
    return log.messages(WARN)
  }
  process.env['NODE_ENV'] = 'production'
  t.match(await warnings({}), [/^API keys are kept in a file in the working directory; set the option database/])
  t.ok(existsSync(join(folder, 'apikeys.db')))
  t.strictSame(await warnings({ database: join(folder, 'chosen.db') }), [])
  process.env['NODE_ENV'] = 'development'
  t.strictSame(await warnings({}), [])
})

t.test('a Database and a Drizzle database of the application are used and not closed', async (t) => {
  const file = join(t.testdir(), 'app.db')
  const client = connection(t, file)
  for (const database of [client, drizzle(client), drizzle({ client })]) {
    const log = new Log()
    const app = await server(t, { database }, log)
    const { key } = await app.apiKeys.create('ann')
    t.equal((await ask(app, key)).status, 200)
    t.match(log.lines, [{ database: `the application's own (${file})` }])
    await app.close()
    t.equal(client.open, true)
  }
  t.match(client.prepare('SELECT count(*) AS keys FROM api_keys').get(), { keys: 3 })
  t.match(client.prepare('SELECT count(*) AS used FROM api_key_uses WHERE last_used_at IS NOT NULL').get(), { used: 3 }, 'what was noted is written')
})

t.test('a change joins a transaction of the application on the same connection', async (t) => {
  const client = connection(t, ':memory:')
  const app = await server(t, { database: client })
  client.exec('BEGIN')
  await app.apiKeys.create('ann')
  client.exec('ROLLBACK')
  t.strictSame(await app.apiKeys.list('ann'), [])
  client.exec('BEGIN')
  const { key } = await app.apiKeys.create('ann')
  client.exec('COMMIT')
  t.equal((await ask(app, key)).status, 200)
})

t.test("nothing that was read within the application's transaction is kept, since it may be rolled back", async (t) => {
  const client = connection(t, ':memory:')
  const app = await server(t, { database: client })
  client.exec('BEGIN')
  const { key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  client.exec('ROLLBACK')
  t.equal((await ask(app, key)).status, 401, 'a key that was never made')

  const bob = await app.apiKeys.create('bob')
  const eve = await app.apiKeys.create('eve')
  await app.apiKeys.profiles.update('bob', { canUseApi: false })
  client.exec('BEGIN')
  await app.apiKeys.profiles.update('bob', { canUseApi: true })
  t.equal((await ask(app, bob.key)).status, 200)
  client.exec('ROLLBACK')
  await app.apiKeys.revoke(eve.id)
  t.equal((await ask(app, bob.key)).status, 403, 'a permission that was never given, though the generation is the same again')
})

t.test('an application that reads BigInts on its connection goes on doing so, and we work', async (t) => {
  const client = connection(t, ':memory:')
  client.defaultSafeIntegers(true)
  const app = await server(t, { database: client, maxKeys: 2 })
  const { id, key, ...record } = await app.apiKeys.create('ann')
  t.type(record.profileId, 'number')
  t.match(await ask(app, key), { status: 200, body: { user: { id: 'ann', profileId: 1 } } })
  await app.apiKeys.flush()
  await app.apiKeys.profiles.update('ann', { canUseApi: false, maxKeys: 1 })
  t.equal((await ask(app, key)).status, 403)
  await t.rejects(app.apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' })
  await app.apiKeys.revoke(id)
  t.equal((await app.apiKeys.get(id))?.state, 'revoked')
  t.match(client.prepare('SELECT count(*) AS n FROM api_keys').get(), { n: 1n })
})

t.test("a read-only connection of the application's says what is wrong", async (t) => {
  const file = join(t.testdir(), 'app.db')
  new Database(file).exec('CREATE TABLE a (b)').close()
  const client = new Database(file, { readonly: true })
  t.teardown(() => client.close())
  t.match(await refusal(t, { database: client }), { code: 'FST_API_KEY_CANNOT_OPEN', message: `The database ${file} cannot be opened: attempt to write a readonly database (SQLITE_READONLY)` })
  const closed = new Database(':memory:')
  closed.close()
  t.match(await refusal(t, { database: closed }), { code: 'FST_API_KEY_CANNOT_OPEN', message: /:memory: cannot be opened: The database connection is not open/ })
})

t.test('without migrate the tables, columns and triggers must be there, and what is missing is named', async (t) => {
  const missing = async (prepare: (client: Database.Database) => void) => {
    const client = connection(t, ':memory:')
    prepare(client)
    const { code, message } = await refusal(t, { database: client, migrate: false })
    t.equal(code, 'FST_API_KEY_SCHEMA_MISSING')
    return message
  }
  t.match(await missing(() => {}), /^The database lacks the table api_key_profiles, the table api_keys, the table api_key_uses, the table api_key_usage, the table api_key_use_log, the table api_key_history, the table api_key_generation, the trigger api_keys_changed, .*; apply the schema of this version, or set migrate to true$/)
  const full = (change: string) => (client: Database.Database) => {
    applyAll(client)
    client.exec(change)
  }
  t.match(await missing(full('DROP TRIGGER api_keys_replaced; DROP TRIGGER api_key_profiles_deleted')), /lacks the trigger api_keys_replaced, the trigger api_key_profiles_deleted;/)
  const altered = ['AFTER DELETE ON api_keys BEGIN SELECT 1; END', 'AFTER DELETE ON api_keys WHEN OLD.enabled BEGIN UPDATE api_key_generation SET value = value + 1; END', 'AFTER DELETE ON api_key_profiles BEGIN UPDATE api_key_generation SET value = value + 1; END']
  for (const definition of altered) {
    t.match(await missing(full(`DROP TRIGGER api_keys_deleted; CREATE TRIGGER api_keys_deleted ${definition}`)), /lacks the trigger api_keys_deleted as this version defines it;/)
  }
  t.match(await missing(full('ALTER TABLE api_key_uses DROP COLUMN logged_out_at; ALTER TABLE api_key_profiles DROP COLUMN last_access_at')), /lacks the column api_key_profiles\.last_access_at, the column api_key_uses\.logged_out_at;/)
  t.match(await missing(full('DELETE FROM api_key_generation')), /lacks the row of api_key_generation;/)
  const file = join(t.testdir(), 'empty.db')
  t.match(await refusal(t, { database: file, migrate: false }), { code: 'FST_API_KEY_SCHEMA_MISSING' })

  const client = connection(t, ':memory:')
  applyAll(client)
  client.exec('DROP TRIGGER api_keys_deleted; CREATE TRIGGER IF NOT EXISTS "api_keys_deleted"\n\tafter delete on `api_keys`\nbegin\n\tupdate [api_key_generation] set value = value + 1;\nend')
  const app = await server(t, { database: client, migrate: false })
  const { key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  t.equal(client.prepare("SELECT 1 FROM sqlite_master WHERE name = 'api_key_migrations'").get(), undefined)
})

t.test('our migrations and those of the application keep out of the way of each other', async (t) => {
  const folder = t.testdir({
    migrations: {
      '0000_app.sql': 'CREATE TABLE buckets (id integer PRIMARY KEY);',
      // Far newer than ours: with one table for both, ours would be taken for applied.
      meta: { '_journal.json': JSON.stringify({ version: '7', dialect: 'sqlite', entries: [{ idx: 0, version: '6', when: 9_000_000_000_000, tag: '0000_app', breakpoints: true }] }) }
    }
  })
  for (const order of ['before', 'after']) {
    const client = connection(t, join(folder, `${order}.db`))
    const db = drizzle(client)
    if (order === 'before') migrate(db, { migrationsFolder: join(folder, 'migrations') })
    const app = await server(t, { database: db })
    if (order === 'after') migrate(db, { migrationsFolder: join(folder, 'migrations') })
    t.ok(await app.apiKeys.create('ann'))
    t.strictSame(db.all(sql`SELECT count(*) AS n FROM buckets`), [{ n: 0 }])
    t.strictSame(db.all(sql`SELECT count(*) AS n FROM api_key_migrations`), [{ n: countMigrations('sqlite') }])
    await app.close()
    t.ok(await (await server(t, { database: db })).apiKeys.create('ann'), 'starting again applies nothing twice')
    t.strictSame(db.all(sql`SELECT count(*) AS n FROM api_key_migrations`), [{ n: countMigrations('sqlite') }])
  }
})

t.test('the triggers of a migrated database are those that are exported', async (t) => {
  const client = connection(t, ':memory:')
  await server(t, { database: client })
  const made = client.prepare<[], { sql: string }>("SELECT sql FROM sqlite_master WHERE type = 'trigger'").all().map(({ sql }) => sql)
  t.strictSame(made.toSorted(), triggers.filter((statement) => statement.startsWith('CREATE')).toSorted())
})

t.test('caches hear of every column but those that a use writes and those that no request depends on', async (t) => {
  const client = connection(t, ':memory:')
  const app = await server(t, { database: client })
  await app.apiKeys.create('ann')
  const generation = client.prepare<[], number>('SELECT value FROM api_key_generation').pluck()
  for (const [table, silent] of [
    [keys, ['start', 'created_at', 'revoked_reason', 'rotated_at', 'quota_used', 'quota_since', 'metadata']],
    [profiles, ['max_keys', 'can_make_keys', 'last_access_at', 'created_at', 'expiry_default', 'expiry_max']]
  ] as const) {
    const { name, columns } = getTableConfig(table)
    const heard = columns.map((column) => column.name).filter((column) => {
      const before = generation.get()
      client.exec(`UPDATE ${name} SET ${column} = ${column}`)
      return generation.get() !== before
    })
    t.strictSame(heard, columns.map((column) => column.name).filter((column) => !silent.some((name) => name === column)))
  }
})

t.test('a database of the first tables is brought up to date, and its keys stay good', async (t) => {
  const client = connection(t, ':memory:')
  const first = readMigrationFiles({ migrationsFolder: MIGRATIONS }).slice(0, 2)
  client.exec('CREATE TABLE api_key_migrations (hash text NOT NULL, created_at integer PRIMARY KEY)')
  for (const { sql, hash, folderMillis } of first) {
    for (const statement of sql) client.exec(statement)
    client.prepare('INSERT INTO api_key_migrations VALUES (?, ?)').run(hash, folderMillis)
  }
  const secret = generateSecret('ak', 32)
  client.exec("INSERT INTO api_key_profiles (user_id, created_at) VALUES ('ann', 1)")
  client.prepare("INSERT INTO api_keys (id, profile_id, name, start, digest, created_at) VALUES ('old', 1, 'Old', 'ak_0000', ?, 1)").run(Buffer.from(digestOf(secret), 'latin1'))
  const app = await server(t, { database: client })
  t.match(await ask(app, secret), { status: 200, body: { user: { id: 'ann', keyName: 'Old', scopes: [] } } })
})

t.test('with better-sqlite3 not installed the error says how to get it', async (t) => {
  const { connect } = await t.mockImport<typeof import('../lib/store/sqlite/connecting.js')>('../lib/store/sqlite/connecting.js', {
    'better-sqlite3': { get default (): never { throw new Error('Cannot find package') } }
  })
  await t.rejects(connect(':memory:'), { code: 'FST_API_KEY_DRIVER_MISSING', message: /npm install better-sqlite3/ })
})

/** Makes the tables as an application does that keeps them in its own migrations. */
function applyAll (client: Database.Database): void {
  for (const name of ['tables', 'lifecycle', 'use_log']) for (const statement of statements('sqlite', name)) client.exec(statement)
  for (const statement of triggers) client.exec(statement)
}
