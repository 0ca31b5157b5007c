import { getTableConfig } from 'drizzle-orm/pg-core'
import pg from 'pg'
import t, { type Test } from 'tap'
import apiKey from '../lib/index.js'
import { history, keys, profiles, triggers, usage, uses } from '../lib/store/postgres/schema.js'
import { ask, bareServer, Log, server } from './helpers/app.js'
import { statements, triggersLeft } from './helpers/migrations.js'
import { databaseUrl, freshSchema } from './helpers/postgres.js'
import { freePort, startServer } from './helpers/server.js'

/** The URL of the test's database with other parts. */
function changed (url: string, parts: Partial<Record<'username' | 'password' | 'port' | 'pathname' | 'search', string>>): string {
  return Object.assign(new URL(url), parts).href
}

/** A role that may connect and, at first, nothing else. */
async function freshRole (t: Test, client: pg.Client, url: string): Promise<{ role: string, url: string }> {
  const role = `role "${Math.random().toString(36).slice(2)}"`
  const quoted = client.escapeIdentifier(role)
  await client.query(`CREATE ROLE ${quoted} LOGIN PASSWORD 'secret'`)
  t.teardown(async () => {
    await client.query(`DROP OWNED BY ${quoted} CASCADE`)
    await client.query(`DROP ROLE ${quoted}`)
  })
  return { role, url: changed(url, { username: encodeURIComponent(role), password: 'secret' }) }
}

/** Runs the SQL that an error says would help. */
async function obey (client: pg.Client, error: unknown, pattern: RegExp): Promise<void> {
  const [statements] = pattern.exec(String(error)) ?? []
  if (statements === undefined) throw new Error(`the error says nothing of what to do: ${error}`)
  await client.query(statements)
}

async function failure (t: Test, options: object): Promise<Error> {
  try {
    await bareServer(t).register(apiKey, options)
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not fail')
}

t.test('the log says host, port and name of the database, and nothing else of its URL', async (t) => {
  const { url, schema } = await freshSchema(t)
  const log = new Log()
  await server(t, { database: url, schema }, log)
  const { hostname, port, pathname, password } = new URL(url)
  t.match(log.lines[0], { database: `${hostname}:${port}${pathname}`, msg: 'API keys are kept in this database' })
  t.notOk(log.text.includes(password))
})

t.test('a database that does not let us in is named with the reason, but not with the password', async (t) => {
  const url = await databaseUrl()
  const { hostname, port, pathname } = new URL(url)
  const at = `${hostname}:${port}`
  for (const [database, name, reason] of [
    [changed(url, { password: 'sesame' }), `${at}${pathname}`, 'password authentication failed'],
    [changed(url, { pathname: '/nowhere' }), `${at}/nowhere`, 'database "nowhere" does not exist (3D000)']
  ] as const) {
    const error = await failure(t, { database })
    t.match(error, { code: 'FST_API_KEY_CANNOT_OPEN', message: `The database ${name} cannot be opened: ` })
    t.match(error.message, reason)
    t.notMatch(error.message, /sesame/)
  }
})

t.test('a database that is not there is named with the reason, whatever its URL leaves out', async (t) => {
  const port = await freePort()
  const { PGHOST, PGPORT, PGDATABASE } = process.env
  t.teardown(() => {
    for (const [name, value] of Object.entries({ PGHOST, PGPORT, PGDATABASE })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  for (const name of ['PGHOST', 'PGPORT', 'PGDATABASE']) delete process.env[name]
  t.match((await failure(t, { database: `postgres://ann:sesame@127.0.0.1:${port}/keys` })).message, `127.0.0.1:${port}/keys cannot be opened: connect ECONNREFUSED`)
  t.match((await failure(t, { database: `postgresql://localhost:${port}/keys` })).message, /localhost:\d+\/keys cannot be opened: .*ECONNREFUSED/)
  t.match((await failure(t, { database: `postgres:///keys?host=/nowhere&port=${port}` })).message, /\/nowhere:\d+\/keys cannot be opened: .*ENOENT/)
  Object.assign(process.env, { PGHOST: '127.0.0.1', PGPORT: String(port), PGDATABASE: 'env' })
  t.match((await failure(t, { database: new pg.Pool() })).message, `127.0.0.1:${port}/env cannot be opened`)
})

t.test('nodes that start at once on an empty database all come up', async (t) => {
  const { url, schema } = await freshSchema(t)
  const nodes = await Promise.all(Array.from({ length: 6 }, () => server(t, { database: url, schema })))
  const made = await Promise.all(nodes.map((node, i) => node.apiKeys.create(`user-${i}`)))
  for (const [i, node] of nodes.entries()) t.equal((await ask(node, made.at(i - 1)?.key)).status, 200)
})

t.test('starting again finds the tables and leaves what is in them', async (t) => {
  const { url, schema } = await freshSchema(t)
  const first = await server(t, { database: url, schema })
  const { key } = await first.apiKeys.create('ann')
  await first.close()
  t.equal((await ask(await server(t, { database: url, schema }), key)).status, 200)
})

t.test('without the option, the tables are in the first schema of the search path', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  await client.query(`CREATE SCHEMA ${schema}`)
  const node = await server(t, { database: changed(url, { search: `?options=-c%20search_path%3D${schema}` }) })
  await node.apiKeys.create('ann')
  t.equal((await client.query(`SELECT 1 FROM ${schema}.api_keys`)).rowCount, 1)
})

t.test('a search path without any schema asks for the option', async (t) => {
  const url = await databaseUrl()
  const error = await failure(t, { database: changed(url, { search: '?options=-c%20search_path%3Dnowhere' }) })
  t.match(error.message, 'none of the schemas in the search path exists; set the option schema')
})

t.test('the name of a schema may be any', async (t) => {
  const { url, client } = await freshSchema(t)
  const schema = 'Ünusual "name"; --'
  const quoted = client.escapeIdentifier(schema)
  await client.query(`DROP SCHEMA IF EXISTS ${quoted} CASCADE`)
  t.teardown(() => client.query(`DROP SCHEMA ${quoted} CASCADE`))
  const nodes = [await server(t, { database: url, schema }), await server(t, { database: url, schema })] as const
  const { key, id } = await nodes[0].apiKeys.create('ann')
  t.equal((await ask(nodes[1], key)).status, 200)
  await nodes[0].apiKeys.revoke(id)
  while ((await ask(nodes[1], key)).status !== 401);
  t.equal((await client.query(`SELECT 1 FROM ${quoted}.api_keys`)).rowCount, 1)
})

t.test('a schema goes only with PostgreSQL', async (t) => {
  t.match(await failure(t, { database: ':memory:', schema: 'mine' }), { code: 'FST_API_KEY_INVALID_OPTION', message: /goes only with PostgreSQL, got one with SQLite/ })
})

t.test('a role that may make no tables is told the SQL that lets it', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  await client.query(`CREATE SCHEMA ${schema}`)
  const { role, url: database } = await freshRole(t, client, url)
  const error = await failure(t, { database, schema })
  t.match(error, { code: 'FST_API_KEY_CANNOT_MIGRATE' })
  t.match(error.message, `The role ${role} may not make the tables of fastify-apikey in the schema ${schema}.`)
  await obey(client, error, /GRANT USAGE, CREATE .*?;/)
  const node = await server(t, { database, schema })
  t.equal((await ask(node, (await node.apiKeys.create('ann')).key)).status, 200)
})

t.test('a role that may make no schema is told the SQL that makes it', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const { url: database } = await freshRole(t, client, url)
  await obey(client, await failure(t, { database, schema }), /CREATE SCHEMA .*?;/)
  const node = await server(t, { database, schema })
  t.equal((await ask(node, (await node.apiKeys.create('ann')).key)).status, 200)
})

t.test('a role that shall not make tables is told what makes it work all the same', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  await client.query(`CREATE SCHEMA ${schema}`)
  const { url: database } = await freshRole(t, client, url)
  const error = await failure(t, { database, schema })
  await (await server(t, { database: url, schema })).close()
  await obey(client, error, /GRANT USAGE ON SCHEMA .*? TO .*?; GRANT SELECT.*? TO .*?;/)
  const node = await server(t, { database, schema, migrate: false })
  const { key, id } = await node.apiKeys.create('ann')
  t.equal((await ask(node, key)).status, 200)
  await node.apiKeys.revoke(id)
  t.equal((await ask(node, key)).status, 401)
})

t.test('with migrate false, everything that is missing is named', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const options = { database: url, schema, migrate: false }
  const all = await failure(t, options)
  t.match(all, { code: 'FST_API_KEY_SCHEMA_MISSING' })
  t.match(all.message, `the table ${schema}.api_key_profiles, the table ${schema}.api_keys, the table ${schema}.api_key_uses, the table ${schema}.api_key_usage, the table ${schema}.api_key_use_log, the table ${schema}.api_key_history, the trigger api_keys_changed`)
  await (await server(t, { database: url, schema })).close()
  await (await server(t, options)).close()
  await client.query(`ALTER TABLE ${schema}.api_keys DROP COLUMN nonce`)
  await client.query(`ALTER TABLE ${schema}.api_key_profiles DISABLE TRIGGER api_key_profiles_changed`)
  t.match((await failure(t, options)).message, 'The database lacks the column api_keys.nonce, the trigger api_key_profiles_changed;')
})

t.test('with migrate false, a trigger that does something else than it shall is named', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const options = { database: url, schema, migrate: false }
  await (await server(t, { database: url, schema })).close()
  await client.query(`SET search_path = ${schema}`)
  const made = triggers.map((statement) => statement.replace(/^CREATE (?!TRIGGER)/, 'CREATE OR REPLACE ').replace(/^CREATE TRIGGER/, 'CREATE OR REPLACE TRIGGER'))
  const altered: [string, string][] = [
    ['CREATE OR REPLACE FUNCTION api_key_announce_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$', 'the trigger api_keys_truncated as this version defines it, the trigger api_key_profiles_truncated as this version defines it;'],
    ['CREATE OR REPLACE TRIGGER api_keys_changed AFTER UPDATE ON api_keys FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at) EXECUTE FUNCTION api_keys_announce()', 'the trigger api_keys_changed as this version defines it;'],
    ['CREATE OR REPLACE TRIGGER api_keys_changed AFTER UPDATE OF revoked_at ON api_keys FOR EACH ROW EXECUTE FUNCTION api_keys_announce()', 'the trigger api_keys_changed as this version defines it;'],
    ['CREATE OR REPLACE TRIGGER api_keys_deleted AFTER DELETE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION api_keys_announce()', 'the trigger api_keys_deleted as this version defines it;'],
    ['CREATE OR REPLACE TRIGGER api_keys_deleted AFTER INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION api_keys_announce()', 'the trigger api_keys_deleted as this version defines it;'],
    ['CREATE OR REPLACE TRIGGER api_keys_deleted AFTER DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION api_key_announce_all()', 'the trigger api_keys_deleted as this version defines it;']
  ]
  for (const [statement, told] of altered) {
    await client.query(statement)
    t.match(await failure(t, options), { code: 'FST_API_KEY_SCHEMA_MISSING', message: `The database lacks ${told}` })
    for (const statement of made) await client.query(statement)
    await (await server(t, options)).close()
  }
})

t.test('the exported tables refer to each other as those of the migration do', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  await server(t, { database: url, schema })
  const { rows } = await client.query(`SELECT conrelid::regclass::text AS "from", confrelid::regclass::text AS "to" FROM pg_constraint WHERE contype = 'f' AND connamespace = '${schema}'::regnamespace ORDER BY 1`)
  const exported = [uses, usage, keys, profiles, history].flatMap((table) => getTableConfig(table).foreignKeys.map((key) => ({
    from: `${schema}.${getTableConfig(table).name}`, to: `${schema}.${getTableConfig(key.reference().foreignTable).name}`
  })))
  t.strictSame(rows, exported.sort((a, b) => a.from < b.from ? -1 : 1))
  t.equal(rows.length, 3)
})

t.test('the exported triggers are those that the migrations leave', async (t) => {
  t.strictSame(triggersLeft('postgres'), triggers.toSorted())
})

t.test('a migration that fails for another reason than rights is a database that cannot be opened', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  await client.query(`CREATE SCHEMA ${schema}`)
  await client.query(`CREATE TABLE ${schema}.api_keys (mine text)`)
  t.match(await failure(t, { database: url, schema }), { code: 'FST_API_KEY_CANNOT_OPEN', message: /relation "api_keys" already exists \(42P07\)/ })
  t.equal((await client.query('SELECT 1 FROM pg_tables WHERE schemaname = $1', [schema])).rowCount, 1, 'and nothing of it stays')
})

t.test('other nodes can look keys up while the index of profiles is made anew', async (t) => {
  const { client, schema } = await freshSchema(t)
  await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}`)
  const search = statements('postgres', 'profile_search')
  for (const statement of statements('postgres', '')) {
    if (!search.includes(statement)) await client.query(statement.replaceAll('"public".', ''))
  }
  await client.query('BEGIN')
  for (const statement of search.slice(0, -1)) await client.query(statement)
  const { rows: locks } = await client.query("SELECT mode FROM pg_locks WHERE relation = 'api_key_profiles'::regclass AND mode = 'AccessExclusiveLock'")
  t.strictSame(locks, [], 'only what takes no time locks them out')
  for (const statement of search.slice(-1)) await client.query(statement)
  await client.query('COMMIT')
  const { rows: indexes } = await client.query("SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND indexname LIKE 'api_key_profiles_all%'", [schema])
  t.match(indexes, [{ indexdef: /\(user_id text_pattern_ops\)$/ }])
  t.equal(indexes.length, 1)
})

t.test('a standby is refused, since it would tell of revocations late', async (t) => {
  const standby = await startServer()
  t.teardown(() => standby.stop())
  await standby.restartAsStandby()
  t.match((await failure(t, { database: standby.url, migrate: false })).message, 'it is a read-only standby, and keys are looked up on the primary')
})
