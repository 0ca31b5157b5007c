// A process of its own that uses many keys, some of which are disabled, until their uses are logged: user.js <module> <options> <how many> <disabled>.
import { setTimeout as sleep } from 'node:timers/promises'

const [module, options = '{}', count, disabled] = process.argv.slice(2)
const { default: Fastify } = await import('fastify')
const { default: apiKey } = await import(String(module))

const given = JSON.parse(options)
const app = Fastify()
await app.register(apiKey, { ...given, maxKeys: -1 })
const made = await app.apiKeys.createMany(Array.from({ length: Number(count) }, () => ({ userId: 'ann' })))
for (const { id } of made.slice(-Number(disabled))) await app.apiKeys.update(id, { enabled: false })
// Once to have them in the cache, or it may take so long that few of them at a time have to be stored.
for (const { key } of made) await app.apiKeys.verify(key, { ip: '10.0.0.2' }).catch(() => {})
await app.apiKeys.flush()
const look = await watch(given)
const from = Date.now()
// At least twice, and until it is in the log: in each tenth second all is stored.
let rounds = 0
let isLogged = false
while (rounds < 2 || (!isLogged && rounds < 5)) {
  rounds += 1
  await Promise.allSettled(made.map(({ key }) => app.apiKeys.verify(key, { ip: '10.0.0.1' })))
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const { stored, text } = await look()
    isLogged = text !== ''
    if (stored + countsIn(text) === made.length * (rounds + 1)) break
    await sleep(20)
  }
}
process.send?.({ from, until: Date.now(), isLogged, rounds })

/**
 * How many uses and refusals the entries of the log tell of.
 *
 * @param {string} text
 */
function countsIn (text) {
  return text.split('\n').filter((line) => line !== '').reduce((sum, line) => sum + Number(line.split('\t')[4]), 0)
}

/**
 * Makes what tells how much is counted, and what is in the log.
 *
 * @param {{ database: string, schema?: string }} options
 * @returns {Promise<() => Promise<{ stored: number, text: string }>>}
 */
async function watch ({ database, schema }) {
  const query = (/** @type {string} */ join) => `SELECT (SELECT coalesce(sum(count), 0) FROM api_key_usage) AS stored, (SELECT coalesce(${join}(uses, ''), '') FROM api_key_use_log) AS text`
  if (schema === undefined) {
    const { default: Database } = await import('better-sqlite3')
    const statement = new Database(database, { readonly: true }).prepare(query('group_concat'))
    return async () => /** @type {{ stored: number, text: string }} */ (statement.get())
  }
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: database, options: `-c search_path=${schema}` })
  await client.connect()
  return async () => {
    const { rows: [{ stored, text }] } = await client.query(query('string_agg'))
    return { stored: Number(stored), text }
  }
}
