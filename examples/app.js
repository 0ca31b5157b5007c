/*
 * A service with API keys. `npm start` builds the package and runs this.
 *
 * DATABASE, HOST and PORT in the environment say where it keeps keys and where it listens.
 */
import Fastify from 'fastify'
import apiKey from 'fastify-apikey'
import { getUser, signIn } from './sign-in.js'

const { DATABASE = 'example.db', HOST = '127.0.0.1', PORT = '3000' } = process.env
const app = Fastify({ logger: { level: 'warn' } })

try {
  await app.register(signIn)
  await app.register(apiKey, {
    database: DATABASE,
    getUser,
    maxKeys: 10,
    scopes: { 'buckets:read': 'List and read buckets', 'buckets:write': 'Make and change buckets' },
    expiry: { default: '90d', max: '1y' },
    pages: { prefix: '/keys', loginUrl: '/sign-in' }
  })

  // Needs a key.
  app.get('/api/buckets', async (request) => ({ owner: request.apiUser?.id, buckets: ['photos', 'backups'] }))

  // Needs a key with a scope.
  app.post('/api/buckets', { config: { apiKey: { scopes: ['buckets:write'] } } }, async (_request, reply) => reply.code(201).send({ made: true }))

  // Takes a key, but does without.
  app.get('/hello', { config: { apiKey: 'optional' } }, async (request) => `Hello, ${request.apiUser?.id ?? 'stranger'}!\n`)

  // Open to everybody.
  app.get('/', { config: { apiKey: false } }, (_request, reply) => reply.redirect('/keys'))

  const address = await app.listen({ host: HOST, port: Number(PORT) })
  console.log(`
  API keys   ${address}/keys
  Sign in    with any name, without a password; as admin you look after everybody's keys: ${address}/keys/admin
  Try a key  curl -H 'X-Api-Authorization: ${await makeDemoKey()}' ${address}/api/buckets
`)
} catch (error) {
  console.error(explain(error))
  await app.close()
  process.exitCode = 1
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())

/** Makes a key for the user "demo", in place of the one from the last start. */
async function makeDemoKey () {
  for (const key of await app.apiKeys.list('demo')) {
    if (key.name === 'From npm start' && key.state === 'active') await app.apiKeys.revoke(key.id)
  }
  const { key } = await app.apiKeys.create('demo', { name: 'From npm start' })
  return key
}

/** @param {unknown} error */
function explain (error) {
  if (!(error instanceof Error)) return error
  if ('code' in error && error.code === 'EADDRINUSE') return `Port ${PORT} is taken. Choose another: PORT=3001 npm start`
  return error.message
}
