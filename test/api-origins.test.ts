import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import apiKey from '../lib/index.js'
import { buildApi, type Caller } from './helpers/api.js'
import { bareServer } from './helpers/app.js'
import { startChromium } from './helpers/chromium.js'

/*
 * Front ends of another origin than the API's, which act by the session of whoever is signed in.
 */

const ANN: Caller = { user: 'ann' }

t.test('pages of trusted origins may change keys by a session, those of no other', async (t) => {
  const { app, call } = await buildApi(t, { api: { trustedOrigins: ['https://app.example.com', 'http://localhost:5173'] } })
  for (const [headers, status] of [
    [{ origin: 'https://app.example.com' }, 201],
    [{ origin: 'https://app.example.com', 'sec-fetch-site': 'same-site' }, 201],
    [{ origin: 'http://localhost:5173', 'sec-fetch-site': 'cross-site' }, 201],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'http://app.example.com', 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'https://app.example.com:8443' }, 403],
    [{ origin: 'https://app.example.com.evil.example', 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'https://app.example.com, https://evil.example' }, 403],
    [{ origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: '', 'sec-fetch-site': 'cross-site' }, 403]
  ] as const) {
    t.equal((await call(ANN, 'POST', '', {}, headers)).statusCode, status, JSON.stringify(headers))
  }
  t.equal((await app.apiKeys.list('ann')).length, 3)
})

t.test('what the pages themselves are sent is trusted from no other origin', async (t) => {
  const { app } = await buildApi(t, { pages: {}, api: { trustedOrigins: ['https://app.example.com'] } })
  const headers = { user: 'ann', origin: 'https://app.example.com', 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await app.inject({ method: 'POST', url: '/keys', headers, payload: 'name=x' })).statusCode, 403)
  t.strictSame(await app.apiKeys.list('ann'), [])
})

/** An API at an address of its own, where anybody is signed in as Ann by a cookie, and a page elsewhere. */
async function twoOrigins (t: Test, isTrusted: boolean) {
  const front = Fastify()
  t.teardown(() => front.close())
  front.get('/', (_request, reply) => reply.type('text/html').send('<!doctype html><title>Front end</title>'))
  const origin = await front.listen({ host: '127.0.0.1', port: 0 })
  const app = bareServer(t)
  await app.register(cookie)
  await app.register(cors, { origin, credentials: true, methods: ['GET', 'POST', 'DELETE'] })
  await app.register(apiKey, {
    database: ':memory:', pages: false, api: isTrusted ? { trustedOrigins: [origin] } : true, getUser: ({ cookies: { who } }) => who === undefined ? null : { id: who }
  })
  app.get('/sign-in', { config: { apiKey: false } }, (_request, reply) => reply.setCookie('who', 'ann', { sameSite: 'strict', httpOnly: true, path: '/' }).send('signed in'))
  return { app, origin, address: await app.listen({ host: '127.0.0.1', port: 0 }) }
}

t.test('in a browser a trusted front end makes, lists and revokes keys, and one that CORS alone allows reads at most', async (t) => {
  const { browser, close } = await startChromium()
  t.teardown(close)
  for (const isTrusted of [true, false]) {
    const { app, origin, address } = await twoOrigins(t, isTrusted)
    const page = await browser.newPage()
    await page.goto(`${address}/sign-in`)
    await page.goto(origin)
    const ask = (method: string, path: string, body?: object): Promise<{ status: number, key?: string, id?: string }> => page.evaluate(`(async () => {
      const answer = await fetch(${JSON.stringify(`${address}/api-keys${path}`)}, {
        method: '${method}', credentials: 'include', ${body === undefined ? '' : `headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(JSON.stringify(body))}`}
      })
      return { ...await answer.json(), status: answer.status }
    })()`)
    t.equal((await ask('GET', '')).status, 200)
    const { status, key, id } = await ask('POST', '', { name: 'by the front end' })
    t.equal(status, isTrusted ? 201 : 403)
    if (key !== undefined) {
      t.match(await app.apiKeys.identify(key), { userId: 'ann', name: 'by the front end' })
      t.equal((await ask('DELETE', `/${id}`)).status, 200)
      t.match(await app.apiKeys.identify(key), { state: 'revoked' })
    }
    t.equal((await app.apiKeys.list('ann')).length, isTrusted ? 1 : 0)
    await page.close()
  }
})
