// A process of its own that uses many keys, and waits until their uses are logged: user.js <module> <options> <how many>.
import { setTimeout as sleep } from 'node:timers/promises'

const [module, options = '{}', count] = process.argv.slice(2)
const { default: Fastify } = await import('fastify')
const { default: apiKey } = await import(String(module))

const given = JSON.parse(options)
const app = Fastify()
await app.register(apiKey, { ...given, maxKeys: -1 })
const made = await app.apiKeys.createMany(Array.from({ length: Number(count) }, () => ({ userId: 'ann' })))
// Once to have them in the cache, or it may take so long that few of them at a time have to be stored.
for (const { key } of made) await app.apiKeys.verify(key, { ip: '10.0.0.2' })
await app.apiKeys.flush()
const before = Date.now()
await Promise.all(made.map(({ key }) => app.apiKeys.verify(key, { ip: '10.0.0.1' })))
const isLogged = await watch(given)
for (const end = Date.now() + 20_000; Date.now() < end && !await isLogged();) await sleep(20)
process.send?.({ from: before, until: Date.now(), isLogged: await isLogged() })

/**
 * Makes what tells whether there is a log.
 *
 * @param {{ database: string, schema?: string }} options
 */
async function watch ({ database, schema }) {
  const query = 'SELECT 1 FROM api_key_use_log LIMIT 1'
  if (schema === undefined) {
    const { default: Database } = await import('better-sqlite3')
    const statement = new Database(database, { readonly: true }).prepare(query)
    return async () => statement.get() !== undefined
  }
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: database, options: `-c search_path=${schema}` })
  await client.connect()
  return async () => (await client.query(query)).rows.length > 0
}
