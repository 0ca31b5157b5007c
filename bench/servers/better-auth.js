import { writeFileSync } from 'node:fs'
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import Database from 'better-sqlite3'
import { order, serve } from './serve.js'

const { keys: count } = /** @type {{ keys: number }} */ (order.options)

const database = new Database(order.database)
// Not its default, but what anybody does who cares for speed, and what this package does too.
database.pragma('journal_mode = WAL')

const options = {
  database,
  secret: 'a secret of the benchmark, 32 bytes or longer',
  baseURL: 'http://127.0.0.1',
  telemetry: { enabled: false },
  plugins: [apiKey({ rateLimit: { enabled: false } })]
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
