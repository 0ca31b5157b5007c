import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import { createConfigReader } from '../lib/http/route-config.js'

/** A request as far as the reader looks at it. */
function made (properties: object): FastifyRequest {
  return properties as FastifyRequest
}

t.test('the config of each route is read where Fastify keeps it, without the object that routeOptions makes', async (t) => {
  const read = createConfigReader()
  const app = Fastify()
  t.teardown(() => app.close())
  const seen: FastifyRequest[] = []
  app.addHook('onRequest', async (request) => {
    seen.push(request)
    t.equal(read(request), request.routeOptions.config)
  })
  app.get('/', async () => 'root')
  app.get('/open', { config: { apiKey: false } }, async () => 'open')
  await app.register(async (scope) => {
    scope.decorateRequest('other', 1)
    scope.post('/scopes', { config: { apiKey: { scopes: ['a'] } } }, async () => 'scopes')
  }, { prefix: '/inner' })
  for (const url of ['/', '/open', '/nowhere', '/open']) await app.inject(url)
  await app.inject({ method: 'POST', url: '/inner/scopes' })
  t.equal(seen.length, 5)
  t.strictSame(read(seen[4]!).apiKey, { scopes: ['a'] })
  for (const request of seen) Object.defineProperty(request, 'routeOptions', { get () { throw new Error('asked') } })
  t.strictSame(seen.map((request) => read(request).apiKey), [undefined, false, undefined, false, { scopes: ['a'] }])
})

t.test('where a request holds it nowhere, or something else, routeOptions is asked each time', async (t) => {
  const strange = Symbol('fastify.context')
  for (const held of [{}, { [strange]: { config: {} } }, { [strange]: undefined }, { [Symbol('other')]: { config: {} } }]) {
    const read = createConfigReader()
    for (const config of [{ apiKey: false }, { apiKey: true }]) t.equal(read(made({ ...held, routeOptions: { config } })), config)
  }
})
