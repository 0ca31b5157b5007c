import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import openapiTS, { astToString } from 'openapi-typescript'
import t, { type Test } from 'tap'
import { z } from 'zod'
import apiKey, { type ApiKeyOptions } from '../lib/index.js'
import { bareServer } from './helpers/app.js'
import { manager } from './helpers/api.js'
import { compile, run } from './helpers/module.js'
import { userOf } from './helpers/pages.js'

t.setTimeout(180_000)

interface Operation { operationId?: string, security?: unknown, summary?: string, 'x-required-scopes'?: string[], parameters?: { name: string, in: string }[] }
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes?: Record<string, unknown> }
  securityDefinitions?: Record<string, unknown>
}

const INFO = { title: 'Shop', version: '1.0.0' }
const KEY = [{ apiKey: [] }]

/** An application that documents itself, in the order in which the plugins are given. */
async function documented (t: Test, options: ApiKeyOptions = {}, openapi: object | null = {}, isFirst = true): Promise<FastifyInstance> {
  const app = bareServer(t)
  const register = async () => { await app.register(swagger, openapi === null ? {} : { openapi: { info: INFO, ...openapi } }) }
  if (isFirst) await register()
  await app.register(apiKey, { database: ':memory:', getUser: userOf, api: true, ...options })
  if (!isFirst) await register()
  const handler = async () => 'x'
  app.get('/needed', { schema: { headers: { type: 'object', properties: { 'X-Api-Authorization': { type: 'string' }, other: { type: 'string' } } } } }, handler)
  app.get('/open', { config: { apiKey: false } }, handler)
  app.get('/optional', { config: { apiKey: 'optional' }, schema: { summary: 'One' } }, handler)
  app.get('/scopes', { config: { apiKey: { scopes: ['a', 'b'] } } }, handler)
  app.get('/own', { schema: { security: [] } }, handler)
  return app
}

async function documentOf (app: FastifyInstance): Promise<Document> {
  await app.ready()
  return app.swagger() as unknown as Document
}

async function isValid (t: Test, document: Document) {
  const { valid, errors } = await new Validator().validate({ ...structuredClone(document) })
  t.ok(valid, JSON.stringify(errors))
}

for (const openapi of ['3.0.3', '3.1.0']) {
  t.test(`an OpenAPI ${openapi} document names the scheme and what each route asks for, and is valid`, async (t) => {
    const app = await documented(t, {}, { openapi })
    const document = await documentOf(app)
    await isValid(t, document)
    t.equal(document.openapi, openapi)
    t.strictSame(document.components.securitySchemes, { apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Authorization' } })
    const { '/needed': needed, '/open': open, '/optional': optional, '/scopes': scopes, '/own': own, ...rest } = document.paths
    t.strictSame(needed?.['get']?.security, KEY)
    t.strictSame(needed?.['get']?.parameters?.map(({ name }) => name), ['other'], 'the header of the key is the scheme and no parameter')
    t.strictSame(open?.['get']?.security, undefined)
    t.match(optional?.['get'], { security: [...KEY, {}], summary: 'One' })
    t.match(scopes?.['get'], { security: KEY, 'x-required-scopes': ['a', 'b'] })
    t.strictSame(own?.['get']?.security, [], 'what a route says itself stays')

    t.strictSame(Object.entries(rest).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`)).sort(), [
      'delete /api-keys/self', 'delete /api-keys/{id}', 'get /api-keys', 'get /api-keys/self', 'get /api-keys/{id}', 'get /api-keys/{id}/history',
      'get /api-keys/{id}/rate-limit', 'get /api-keys/{id}/usage', 'patch /api-keys/{id}', 'post /api-keys', 'post /api-keys/{id}/rotate'
    ], 'all of the API, and none of the pages')
    for (const [path, operations] of Object.entries(rest)) {
      for (const operation of Object.values(operations)) {
        t.strictSame(operation.security, KEY)
        t.strictSame(operation['x-required-scopes'], path.endsWith('/self') ? undefined : ['api-keys:manage'])
        t.ok(operation.operationId)
      }
    }
    t.match(app.swagger({ yaml: true }), /securitySchemes:\n {4}apiKey:\n/)
  })
}

t.test('registered later, it names all that come after it', async (t) => {
  const document = await documentOf(await documented(t, {}, {}, false))
  await isValid(t, document)
  t.ok(document.components.securitySchemes?.['apiKey'])
  t.strictSame(Object.keys(document.paths), ['/needed', '/open', '/optional', '/scopes', '/own'])
  t.strictSame(document.paths['/scopes']?.['get']?.security, KEY)
})

t.test('several headers are several schemes, and what an application calls apiKey itself stays', async (t) => {
  const own = { type: 'apiKey', in: 'query', name: 'key' }
  const app = await documented(t, { header: ['Authorization', 'X-Key'] }, { components: { securitySchemes: { session: own } } })
  const document = await documentOf(app)
  await isValid(t, document)
  t.strictSame(document.components.securitySchemes, {
    apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'API key' }, apiKey2: { type: 'apiKey', in: 'header', name: 'X-Key' }, session: own
  })
  t.strictSame(document.paths['/needed']?.['get']?.security, [{ apiKey: [] }, { apiKey2: [] }])
  const other = await documentOf(await documented(t, {}, { components: { securitySchemes: { apiKey: own } } }))
  t.strictSame(other.components.securitySchemes, { apiKey: own })
})

t.test('two registrations beside each other share a document', async (t) => {
  const app = bareServer(t)
  await app.register(swagger, { openapi: { info: INFO } })
  for (const [prefix, header] of [['/a', 'X-A'], ['/b', 'X-B'], ['/c', 'X-A']] as const) {
    await app.register(async (scope) => {
      await scope.register(apiKey, { database: ':memory:', header, api: true })
      scope.get('/route', async () => 'x')
    }, { prefix })
  }
  const document = await documentOf(app)
  await isValid(t, document)
  t.match(document.components.securitySchemes, { apiKey: { name: 'X-A' }, apiKey2: { name: 'X-B' } })
  t.strictSame(['/a', '/b', '/c'].map((prefix) => document.paths[`${prefix}/route`]?.['get']?.security), [KEY, [{ apiKey2: [] }], KEY])
  const ids = Object.values(document.paths).flatMap((operations) => Object.values(operations).map(({ operationId }) => operationId)).filter((id) => id !== undefined)
  t.equal(ids.length, 33)
  t.equal(new Set(ids).size, 33, 'and no two operations have one name')
})

t.test('below a prefix with parameters each operation names all of its path', async (t) => {
  const app = bareServer(t)
  await app.register(swagger, { openapi: { info: INFO } })
  await app.register(async (scope) => { await scope.register(apiKey, { database: ':memory:', api: true }) }, { prefix: '/shops/:shop/:year(^\\d{4}$)' })
  const document = await documentOf(app)
  await isValid(t, document)
  t.equal(Object.keys(document.paths).length, 7)
  for (const [path, operations] of Object.entries(document.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
    t.ok(names.length >= 2, path)
    for (const { parameters = [] } of Object.values(operations)) t.strictSame(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name).sort(), names, path)
  }
})

t.test('in a Swagger 2 document the routes of the application have their scheme', async (t) => {
  const document = await documentOf(await documented(t, { header: ['Authorization', 'X-Key'] }, null))
  t.match(document.securityDefinitions, { apiKey: { type: 'apiKey', in: 'header', name: 'Authorization' }, apiKey2: { name: 'X-Key' } })
  t.strictSame(document.paths['/optional']?.['get']?.security, [{ apiKey: [] }, { apiKey2: [] }, {}])
  t.notMatch(Object.keys(document.paths).join(), 'api-keys')
})

t.test('an application whose schemas are of another kind keeps its transform, and the API its own', async (t) => {
  const app = bareServer(t)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(swagger, { openapi: { info: INFO }, transform: jsonSchemaTransform })
  await app.register(apiKey, { database: ':memory:', api: true })
  app.post('/typed', { schema: { body: z.object({ name: z.string() }) }, config: { apiKey: { scopes: ['a'] } } }, async () => 'x')
  const document = await documentOf(app)
  await isValid(t, document)
  t.match(document.paths['/typed']?.['post'], { security: KEY, requestBody: { content: { 'application/json': { schema: { properties: { name: { type: 'string' } } } } } } })
  t.match(document.paths['/api-keys']?.['post'], { operationId: 'createApiKey', security: KEY })
})

t.test('without a document nothing is added', async (t) => {
  const app = bareServer(t)
  await app.register(apiKey, { database: ':memory:', api: true })
  const schemas: unknown[] = []
  app.addHook('onRoute', ({ schema }) => { schemas.push(schema) })
  app.get('/needed', async () => 'x')
  t.equal(schemas[0], undefined)
  t.notMatch(app.printRoutes({ commonPrefix: false }), 'fastify-apikey')
})

t.test('the route that brings the schemes serves nothing', async (t) => {
  const app = await documented(t)
  app.setNotFoundHandler(async () => 'the secrets of the application')
  t.match(await app.inject({ method: 'TRACE', url: '/fastify-apikey' }), { statusCode: 404, body: '' })
})

t.test('a client that is generated from the document makes, uses, rotates and revokes a key', async (t) => {
  const app = await documented(t, { header: 'Authorization' })
  app.get('/buckets', async (request) => ({ owner: request.apiUser?.id }))
  const { key } = await manager(app, 'ann', { scopes: ['buckets:read'], expiresIn: '30d' })
  const document = await documentOf(app)
  const folder = t.testdir()
  mkdirSync(join(folder, '0'))
  writeFileSync(join(folder, '0', 'schema.ts'), astToString(await openapiTS(document as unknown as Parameters<typeof openapiTS>[0])))
  const { faults, files } = compile(folder, [client(await app.listen({ port: 0 }), key)])
  t.strictSame(faults, [])
  const { output, errors } = await run(t, files[0] ?? '').ended
  t.equal(errors, '')
  t.strictSame(output.trimEnd().split('\n'), [
    'made client ann buckets:read', 'used 200', 'listed 2', 'renamed other', 'rotated 200 401', 'uses 2', 'history apiKeyRotated', 'revoked revoked 401', 'refused 403 FST_API_KEY_BEYOND_OWN', 'ended 204'
  ])
})

/** A program that knows of the API what its document says. */
function client (baseUrl: string, secret: string): string {
  return `
import createClient from 'openapi-fetch'
import type { paths } from './schema.js'

const baseUrl = '${baseUrl}'
const connect = (key: string) => createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${key}\` } })
const statusOf = async (key: string) => (await fetch(\`\${baseUrl}/buckets\`, { headers: { authorization: \`Bearer \${key}\` } })).status

const api = connect('${secret}')
const { data: made } = await api.POST('/api-keys', { body: { name: 'client', scopes: ['buckets:read'], expiresIn: '7d', rateLimit: null } })
if (made === undefined) throw new Error('nothing was made')
console.log('made', made.name, made.userId, made.scopes.join())
console.log('used', await statusOf(made.key))
const { data: page } = await api.GET('/api-keys', { params: { query: { limit: 10, live: true } } })
console.log('listed', page?.keys.length)
const path = { id: made.id }
const { data: renamed } = await api.PATCH('/api-keys/{id}', { params: { path }, body: { name: 'other' } })
console.log('renamed', renamed?.name)
const { data: rotated } = await api.POST('/api-keys/{id}/rotate', { params: { path }, body: {} })
const secret = rotated?.key ?? ''
console.log('rotated', await statusOf(secret), await statusOf(made.key))
const { data: usage } = await api.GET('/api-keys/{id}/usage', { params: { path } })
console.log('uses', usage?.days[0]?.accepted)
const { data: history } = await api.GET('/api-keys/{id}/history', { params: { path, query: { limit: 1 } } })
console.log('history', history?.entries[0]?.action)
const { data: revoked } = await api.DELETE('/api-keys/{id}', { params: { path, query: { reason: 'done' } } })
console.log('revoked', revoked?.state, await statusOf(secret))
const { error, response } = await api.POST('/api-keys', { body: { scopes: ['buckets:write'] } })
console.log('refused', response.status, error?.code)
const ended = await api.DELETE('/api-keys/self')
console.log('ended', ended.response.status)
// @ts-expect-error -- a name is text
export const wrong = () => api.POST('/api-keys', { body: { name: 5 } })
`
}
