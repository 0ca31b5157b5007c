import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import apiKey from '../lib/index.js'
import { bareServer, HEADER, me, server } from './helpers/app.js'

const PREFLIGHT = { origin: 'https://app.example', 'access-control-request-method': 'GET', 'access-control-request-headers': HEADER }

const preflight = (app: FastifyInstance, url: string, headers: Record<string, string> = PREFLIGHT) => app.inject({ method: 'OPTIONS', url, headers })

for (const order of ['before', 'after']) {
  t.test(`with CORS registered ${order} us, preflights are answered and requests are checked`, async (t) => {
    const app = bareServer(t)
    if (order === 'before') await app.register(cors, { origin: 'https://app.example' })
    await app.register(apiKey, { database: ':memory:' })
    if (order === 'after') await app.register(cors, { origin: 'https://app.example' })
    let ran = 0
    app.get('/me', me)
    app.all('/any', async () => { ran++ })
    const { key } = await app.apiKeys.create('ann')
    for (const url of ['/me', '/any', '/nowhere']) {
      const { statusCode, headers } = await preflight(app, url)
      t.equal(statusCode, 204, url)
      t.equal(headers['access-control-allow-origin'], 'https://app.example')
    }
    t.equal(ran, 0)
    const refused = await app.inject({ url: '/me', headers: { origin: 'https://app.example' } })
    t.equal(refused.statusCode, 401)
    if (order === 'before') t.equal(refused.headers['access-control-allow-origin'], 'https://app.example', 'so that the page can read why')
    const accepted = await app.inject({ url: '/me', headers: { origin: 'https://app.example', [HEADER]: key } })
    t.equal(accepted.statusCode, 200)
    t.equal(accepted.headers['access-control-allow-origin'], 'https://app.example')
  })
}

t.test('CORS with preflights left to the routes reaches the route for OPTIONS', async (t) => {
  const app = await server(t)
  await app.register(cors, { origin: true, preflightContinue: true })
  app.options('/me', async (_request, reply) => reply.code(200).send('mine'))
  t.match(await preflight(app, '/me'), { statusCode: 200, body: 'mine' })
})

t.test('without CORS a preflight never runs the handler of a route that is not for OPTIONS alone', async (t) => {
  for (const required of [true, false]) {
    const app = await server(t, { required })
    const ran: string[] = []
    app.all('/all', async () => { ran.push('all') })
    app.route({ method: ['GET', 'OPTIONS'], url: '/two', config: { apiKey: true }, handler: async () => { ran.push('two') } })
    app.all('/all/silent', { onRequest: async () => {} }, async () => { ran.push('silent') })
    app.all('/all/open', { config: { apiKey: false } }, async () => { ran.push('open') })
    app.all('/all/optional', { config: { apiKey: 'optional' } }, async () => { ran.push('optional') })
    app.options('/only', { config: { apiKey: true } }, async () => { ran.push('only') })
    const { key } = await app.apiKeys.create('ann')
    const closed = required ? 401 : 200
    const expected: [string, number][] = [['/all', closed], ['/two', 401], ['/all/silent', closed], ['/all/open', 200], ['/all/optional', 200], ['/only', 200]]
    for (const [url, status] of expected) {
      ran.length = 0
      const response = await preflight(app, url)
      t.equal(response.statusCode, status, `${url} ${required}`)
      t.equal(ran.length, status === 200 ? 1 : 0)
      if (status === 401) t.equal(response.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization"')
    }
    t.equal((await preflight(app, '/two', { ...PREFLIGHT, [HEADER]: key })).statusCode, 200, 'one that carries a key is like any request')
    t.equal((await preflight(app, '/two', { ...PREFLIGHT, [HEADER]: 'bad' })).statusCode, 401)
    t.equal((await app.inject({ url: '/two', headers: { [HEADER]: key } })).statusCode, 200)
    t.equal((await preflight(app, '/nowhere')).statusCode, required ? 401 : 404)
  }
})

t.test('what only looks like a preflight is checked like any request', async (t) => {
  const app = await server(t)
  app.options('/only', async () => 'ran')
  const { origin, ...withoutOrigin } = PREFLIGHT
  for (const headers of [{}, { origin }, withoutOrigin]) t.equal((await preflight(app, '/only', headers)).statusCode, 401)
  t.equal((await app.inject({ url: '/me', headers: PREFLIGHT })).statusCode, 401, 'a GET with the headers of a preflight')
  t.equal((await preflight(app, '/only')).statusCode, 200)
})

t.test('a use by way of a route for many methods counts once', async (t) => {
  const app = await server(t)
  let logins = 0
  app.apiKeys.on('apiUserLoggedIn', () => logins++)
  app.all('/any', me)
  const { key } = await app.apiKeys.create('ann')
  await app.inject({ url: '/any', headers: { [HEADER]: key } })
  t.equal(logins, 1)
})

t.test('routes that share one config object keep their own', async (t) => {
  const app = await server(t)
  const config = Object.freeze({ apiKey: true })
  app.all('/any', { config }, me)
  app.get('/one', { config }, me)
  t.strictSame(Object.getOwnPropertySymbols(config), [])
  t.equal((await preflight(app, '/any')).statusCode, 401)
})
