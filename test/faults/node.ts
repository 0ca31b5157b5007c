import Fastify from 'fastify'
import apiKey from '../../lib/index.js'

/*
 * One node of the fault runs: a server of its own process, which does over HTTP what the run asks. What an application
 * would not open to everybody is open here.
 */

const { FAULT_DATABASE = '', FAULT_SCHEMA = '' } = process.env

let errors = 0
const log = { write (line: string) { if (line.includes('are not heard')) errors += 1 } }

const app = Fastify({ logger: { level: 'error', stream: log } })
await app.register(apiKey, { database: FAULT_DATABASE, schema: FAULT_SCHEMA })

app.get('/me', async (request) => request.apiUser)

const open = { config: { apiKey: false as const } }

app.get('/outages', open, async () => ({ count: errors }))

app.post<{ Params: { id: string } }>('/revoke/:id', open, async ({ params }) => await app.apiKeys.revoke(params.id))

app.post<{ Params: { user: string } }>('/delete/:user', open, async ({ params }) => await app.apiKeys.profiles.delete(params.user))

app.post('/flush', open, async () => {
  await app.apiKeys.flush()
  return {}
})

app.post<{ Body: { userId: string }[] }>('/create', { ...open, bodyLimit: 1e7 }, async ({ body }) => {
  const keys = await app.apiKeys.createMany(body)
  return keys.map(({ id, key, userId }) => ({ id, key, userId }))
})

app.post<{ Params: { user: string, limit: string, count: string } }>('/race/:user/:limit/:count', open, async ({ params }) => {
  await app.apiKeys.profiles.create(params.user, { maxKeys: Number(params.limit) })
  const made = await Promise.allSettled(Array.from({ length: Number(params.count) }, () => app.apiKeys.create(params.user)))
  const codes = made.map((result) => result.status === 'fulfilled' ? 'made' : String((result.reason as { code?: unknown }).code))
  return { made: codes.filter((code) => code === 'made').length, others: [...new Set(codes)].filter((code) => code !== 'made') }
})

const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.(address)

// The run ends a node by this, as an orchestrator would by SIGTERM. It must exit by itself then.
process.on('disconnect', () => { app.close() })
