import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { createHeaderReader } from '../lib/http/header.js'
import { generateSecret } from '../lib/keys/secret.js'
import { HEADER, me, server } from './helpers/app.js'
import { get, sendRaw } from './helpers/raw.js'

const mistyped = (key: string) => key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')

t.test('a good key makes request.apiUser, deeply frozen and always of the same shape', async (t) => {
  const app = await server(t)
  const seen: object[] = []
  app.get('/frozen', async (request) => {
    const user = request.apiUser
    if (user === null) throw new Error('nobody')
    t.ok(Object.isFrozen(user) && Object.isFrozen(user.scopes))
    t.throws(() => { (user as { id: string }).id = 'eve' }, TypeError)
    t.throws(() => { (user.scopes as string[]).push('admin') }, TypeError)
    seen.push(user)
    return user
  })
  const made = [await app.apiKeys.create('1'), await app.apiKeys.create('ann', { name: 'laptop' })]
  for (const { key } of [...made, ...made]) await app.inject({ url: '/frozen', headers: { [HEADER]: key } })
  t.equal(seen.length, 4)
  for (const user of seen) t.strictSame(Object.keys(user), ['id', 'profileId', 'keyId', 'keyName', 'scopes'])
  t.match(seen[0], { id: '1', profileId: 1, keyId: made[0]?.id, keyName: '', scopes: [] })
})

t.test('without a key it is 401 with the challenge and the header that is wanted', async (t) => {
  const app = await server(t)
  const response = await app.inject('/me')
  t.equal(response.statusCode, 401)
  t.equal(response.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization"')
  t.strictSame(response.json(), {
    statusCode: 401, code: 'FST_API_KEY_MISSING', error: 'Unauthorized', message: 'An API key is required in the header X-Api-Authorization'
  })
})

t.test('a malformed, a mistyped and an unknown key are the same to the caller', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann')
  const answers = await Promise.all(['', 'x', 'Bearer x', mistyped(key), generateSecret('ak', 32), generateSecret('zz', 22), `${key} `.padStart(60), key + key].map(async (secret) => {
    const { statusCode, headers, body } = await app.inject({ url: '/me', headers: { [HEADER]: secret } })
    return { secret, statusCode, challenge: headers['www-authenticate'], body }
  }))
  // Blanks around the value are no part of it in HTTP, but inject does not strip them.
  for (const { secret, ...answer } of answers) {
    t.strictSame(answer, {
      statusCode: 401,
      challenge: 'ApiKey realm="API", header="X-Api-Authorization"',
      body: '{"statusCode":401,"code":"FST_API_KEY_INVALID","error":"Unauthorized","message":"The API key is invalid"}'
    }, secret.slice(0, 10))
  }
})

t.test('whoever holds the secret of a revoked key is told so', async (t) => {
  const app = await server(t, { header: ['X-Api-Authorization', 'Authorization'] })
  const { id, key } = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(id)
  const plain = await app.inject({ url: '/me', headers: { [HEADER]: key } })
  t.match(plain.json(), { statusCode: 401, code: 'FST_API_KEY_REVOKED', message: 'The API key was revoked' })
  t.equal(plain.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization", Bearer realm="API"')
  const bearer = await app.inject({ url: '/me', headers: { authorization: `Bearer ${key}` } })
  t.equal(bearer.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization", Bearer realm="API", error="invalid_token"')
  const stolen = await app.inject({ url: '/me', headers: { [HEADER]: mistyped(key) } })
  t.match(stolen.json(), { code: 'FST_API_KEY_INVALID' })
})

t.test('header and realm are those of the options, in any letters', async (t) => {
  const app = await server(t, { header: 'X-KEY', realm: 'The (one) API' })
  const { key } = await app.apiKeys.create('ann')
  t.equal((await app.inject({ url: '/me', headers: { 'x-key': key } })).statusCode, 200)
  t.equal((await app.inject({ url: '/me', headers: { 'X-Key': key } })).statusCode, 200)
  const response = await app.inject({ url: '/me', headers: { [HEADER]: key } })
  t.equal(response.statusCode, 401)
  t.equal(response.headers['www-authenticate'], 'ApiKey realm="The (one) API", header="X-KEY"')
})

t.test('of a list of headers the first one present decides, and no other is tried', async (t) => {
  const app = await server(t, { header: ['X-One', 'Authorization', 'X-Two'] })
  const { key } = await app.apiKeys.create('ann')
  const ask = async (headers: Record<string, string>) => (await app.inject({ url: '/me', headers }))
  for (const name of ['x-one', 'x-two']) t.equal((await ask({ [name]: key })).statusCode, 200)
  t.equal((await ask({ authorization: `Bearer ${key}` })).statusCode, 200)
  t.match((await ask({ 'x-one': 'x', 'x-two': key, authorization: `Bearer ${key}` })).json(), { code: 'FST_API_KEY_INVALID' })
  t.match((await ask({ 'x-one': '', 'x-two': key })).json(), { code: 'FST_API_KEY_INVALID' }, 'an empty header is present')
  t.equal((await ask({ 'x-one': key, 'x-two': 'x' })).statusCode, 200)
  t.match((await ask({ authorization: `Bearer ${mistyped(key)}`, 'x-two': key })).json(), { code: 'FST_API_KEY_INVALID' })
  t.equal((await ask({ authorization: 'Basic YW5uOng=', 'x-two': key })).statusCode, 200, 'another scheme counts as absent')
  const missing = await ask({})
  t.equal(missing.headers['www-authenticate'], 'ApiKey realm="API", header="X-One", Bearer realm="API", ApiKey realm="API", header="X-Two"')
  t.match(missing.json(), { message: 'An API key is required in the header X-One or Authorization: Bearer <key> or X-Two' })
})

t.test('in Authorization the key is a Bearer token, whatever the letters of the scheme', async (t) => {
  const app = await server(t, { header: 'authorization' })
  const { key } = await app.apiKeys.create('ann')
  const ask = (authorization: string) => app.inject({ url: '/me', headers: { authorization } })
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) t.equal((await ask(`${scheme} ${key}`)).statusCode, 200, scheme)
  const missing = await app.inject('/me')
  t.equal(missing.headers['www-authenticate'], 'Bearer realm="API"', 'RFC 6750: no error code where there is no key')
  const invalid = await ask(`Bearer ${mistyped(key)}`)
  t.match(invalid.json(), { code: 'FST_API_KEY_INVALID' })
  t.equal(invalid.headers['www-authenticate'], 'Bearer realm="API", error="invalid_token"')
  const absent = [
    key, `Basic ${key}`, 'Bearer', 'Bearer ', `Bearer${key}`, `ApiKey ${key}`, `Bearer ${key} ${key}`, `Bearer "${key}"`, 'Bearer a.b.c',
    `Bearer ${mistyped(generateSecret('other', 32))}`, 'Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a'
  ]
  for (const value of absent) {
    const response = await ask(value)
    t.match(response.json(), { statusCode: 401, code: 'FST_API_KEY_MISSING' }, value.slice(0, 12))
    t.equal(response.headers['www-authenticate'], 'Bearer realm="API"')
  }
})

t.test('a foreign token in Authorization is left to whoever it is for, a mistyped key of ours is not', async (t) => {
  const app = await server(t, { header: 'Authorization', required: false, prefix: ['ak', 'old'] })
  const ask = async (authorization: string) => (await app.inject({ url: '/me', headers: { authorization } })).statusCode
  t.equal(await ask('Bearer eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo'), 200)
  t.equal(await ask('Basic YW5uOng='), 200)
  t.equal(await ask(`Bearer ${mistyped(generateSecret('other', 32))}`), 200)
  t.equal(await ask(`Bearer ${mistyped(generateSecret('old', 32))}`), 401)
  t.equal(await ask(`Bearer ${generateSecret('other', 32)}`), 401, 'well-formed, so of an earlier prefix and unknown')
})

t.test('a header that is sent twice is invalid', async (t) => {
  const app = await server(t, { header: ['X-Api-Authorization', 'Authorization'] })
  const { key } = await app.apiKeys.create('ann')
  t.equal((await sendRaw(app, get('/me', `X-Api-Authorization: ${key}`))).status, 200)
  t.equal((await sendRaw(app, get('/me', `X-Api-Authorization:   ${key}  `))).status, 200)
  t.equal((await sendRaw(app, get('/me', `authorization: bearer ${key}`))).status, 200)
  const repeated: string[][] = [
    [`X-Api-Authorization: ${key}`, `X-Api-Authorization: ${key}`],
    [`X-Api-Authorization: ${key}`, `x-api-authorization: ${generateSecret('ak', 32)}`],
    [`X-Api-Authorization: ${key}`, 'X-Api-Authorization:'],
    [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`],
    [`Authorization: Bearer ${key}`, 'authorization: Basic YW5uOng=']
  ]
  for (const headers of repeated) {
    const { status, text } = await sendRaw(app, get('/me', ...headers))
    t.equal(status, 401)
    t.match(text, /FST_API_KEY_INVALID/)
    t.match(text, /www-authenticate: ApiKey realm="API"/i)
  }
  const { status, text } = await sendRaw(app, get('/me', 'Authorization: Basic YW5uOng=', `Authorization: Bearer ${key}`))
  t.equal(status, 401)
  t.match(text, /FST_API_KEY_INVALID/, 'whatever the first of them is, which is all that Node keeps')
})

t.test('odd bytes and huge values in the header are refused like any other bad key', async (t) => {
  const app = await server(t)
  for (const value of ['\xff\xfe', 'ak_' + '\xe9'.repeat(38), 'x'.repeat(12_000), '%00', '\t']) {
    const { status, text } = await sendRaw(app, get('/me', `X-Api-Authorization: ${value}`))
    t.equal(status, 401)
    t.match(text, /FST_API_KEY_INVALID/)
  }
})

t.test('with trustProxy the address noted is the client of the proxy, without it that of the connection', async (t) => {
  for (const [trustProxy, expected] of [[true, '203.0.113.7'], [false, '127.0.0.1']] as const) {
    const app = await server(t, {}, undefined, trustProxy)
    const { id, key } = await app.apiKeys.create('ann')
    await app.inject({ url: '/me', headers: { [HEADER]: key, 'x-forwarded-for': '203.0.113.7' } })
    t.match(await app.apiKeys.get(id), { loggedIp: expected })
  }
})

t.test('with trustProxy, what cannot be an address is none, and stands in nobody\'s way', async (t) => {
  const getUser = () => ({ id: 'ann' })
  const app = await server(t, { getUser }, undefined, true)
  app.get('/logout', async (request) => { await request.apiLogout(); return 'out' })
  for (const forwarded of ['1'.repeat(101), 'a\tb', '\x85']) {
    const { id, key } = await app.apiKeys.create('ann')
    const from = { 'x-forwarded-for': forwarded }
    t.equal((await app.inject({ url: '/me', headers: { [HEADER]: key, ...from } })).statusCode, 200)
    t.match(await app.apiKeys.get(id), { loggedIp: null, lastUsedAt: Date })
    t.equal((await app.inject({ url: '/logout', headers: { [HEADER]: key, ...from } })).statusCode, 200)
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...from }
    t.equal((await app.inject({ method: 'POST', url: '/keys', headers: form, payload: 'name=laptop' })).statusCode, 200)
    t.equal((await app.inject({ method: 'POST', url: `/keys/${id}/revoke`, headers: form })).statusCode, 303)
  }
})

t.test('a client on a Unix socket has no address, and its key works', async (t) => {
  const { request } = await import('node:http')
  const { join } = await import('node:path')
  const { tmpdir } = await import('node:os')
  const { mkdtempSync, rmSync } = await import('node:fs')
  // The path of a socket may have about 100 characters, which the folders of the tests can pass.
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const app = await server(t)
  app.post('/logout', async (request) => { await request.apiLogout(); return 'out' })
  const { id, key } = await app.apiKeys.create('ann')
  const addresses: unknown[] = []
  app.apiKeys.on('apiUserLoggedIn', ({ ip }) => addresses.push(ip))
  const socketPath = join(folder, 's')
  await app.listen({ path: socketPath })
  for (const [method, path] of [['GET', '/me'], ['POST', '/logout']] as const) {
    const status = await new Promise((resolve, reject) => {
      request({ socketPath, path, method, headers: { [HEADER]: key } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject).end()
    })
    t.equal(status, 200)
  }
  t.strictSame(addresses, [null, null])
  await app.apiKeys.flush()
  t.match(await app.apiKeys.get(id), { loggedIp: null, lastUsedAt: Date })
})

t.test('the plain header is not the place for a scheme', async (t) => {
  const app = await server(t)
  app.get('/also', me)
  const { key } = await app.apiKeys.create('ann')
  t.equal((await app.inject({ url: '/also', headers: { [HEADER]: `Bearer ${key}` } })).statusCode, 401)
})

t.test('a header that came as a list is no key', async (t) => {
  const read = createHeaderReader('X-Key', ['ak'])
  const request = (value: string | string[]) => ({ headers: { 'x-key': value } }) as unknown as FastifyRequest
  t.equal(read(request(['a', 'b'])), '')
  t.equal(read(request('a')), 'a')
})
