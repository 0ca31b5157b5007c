import { writeFileSync } from 'node:fs'
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import Database from 'better-sqlite3'
import { order, serve } from './serve.js'

const { keys: count, isTuned } = /** @type {{ keys: number, isTuned: boolean }} */ (order.options)

const database = new Database(order.database)
// As its documentation opens a database, or as anybody does who cares for speed.
if (isTuned) database.pragma('journal_mode = WAL')

const options = {
  database,
  secret: 'a secret of the benchmark, 32 bytes or longer',
  baseURL: 'http://127.0.0.1',
  telemetry: { enabled: false },
  // Keys have a rate limit unless that is turned off; of 10 requests a day, which would refuse nearly all.
  plugins: [apiKey({ rateLimit: isTuned ? { enabled: false } : { enabled: true, timeWindow: 86_400_000, maxRequests: 1e9 } })]
}
await (await getMigrations(options)).runMigrations()
const auth = betterAuth(options)
const user = await (await auth.$context).internalAdapter.createUser({ name: 'ann', email: 'ann@example.com' })

const keys = []
for (let i = 0; i < count; i++) keys.push((await auth.api.createApiKey({ body: { userId: user.id } })).key)
writeFileSync(order.credentials, keys.map((key) => `${key}\n`).join(''))

await serve((app) => {
  app.addHook('onRequest', async (request, reply) => {
    const key = request.headers['x-api-key']
    const { valid } = await auth.api.verifyApiKey({ body: { key: typeof key === 'string' ? key : '' } })
    if (!valid) return reply.code(401).send()
  })
})
