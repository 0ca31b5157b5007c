import Fastify from 'fastify'
import { test } from 'tap'
import apiKey from '../lib/index.js'
import { buildPages, NOW, textOf, userOf } from './helpers/pages.js'

test('below the pages, an address that is no page gets one, or the way to sign in', async (t) => {
  const { app, get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  for (const url of ['/keys/a/b/c', '/keys/x/disable', '/keys/admin/', '/keys/admin/nothing?a=b']) {
    const page = await get(url)
    t.equal(page.statusCode, 404, url)
    t.equal(page.headers['www-authenticate'], undefined)
    t.match(page.headers, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'content-security-policy': "default-src 'none'" })
    t.match(textOf(page), '← API keys Signed in as ann There is no such page No page has this address. Back to your keys')
    const nobody = await get(url, null)
    t.equal(nobody.statusCode, 302)
    t.equal(nobody.headers.location, `/sign-in?next=${encodeURIComponent(url)}`)
  }
  t.equal((await app.inject({ method: 'HEAD', url: '/keys/a/b' })).statusCode, 302)
  for (const user of ['ann', null]) t.match(textOf(await post('/keys/a/b', { name: 'k' }, user)), /^There is no such page/)
  const foreign = await post('/keys/a/b', { name: 'k' }, 'ann', { origin: 'https://example.org' })
  t.equal(foreign.statusCode, 403)
  t.match(textOf(foreign), 'This form came from elsewhere')
  t.equal((await app.inject({ method: 'DELETE', url: '/keys/x' })).statusCode, 404)
})

test('without loginUrl, it says to sign in', async (t) => {
  const { get } = await buildPages(t)
  const page = await get('/keys/a/b', null)
  t.equal(page.statusCode, 401)
  t.match(textOf(page), 'Sign in to see your API keys')
})

test('elsewhere unknown addresses are what they were', async (t) => {
  const { get } = await buildPages(t)
  for (const url of ['/nowhere', '/keysmith', '/Keys/a/b']) t.match((await get(url)).json(), { statusCode: 401, code: 'FST_API_KEY_MISSING' }, url)
})

test("the application's own routes below the pages, and one that takes everything, come first", async (t) => {
  const own = await buildPages(t)
  own.app.get('/keys/help/all', { config: { apiKey: false } }, async () => 'help')
  own.app.get('/keys/used/by/programs', async () => 'used')
  t.equal((await own.get('/keys/help/all')).body, 'help')
  t.match((await own.get('/keys/used/by/programs')).json(), { code: 'FST_API_KEY_MISSING' })
  t.equal((await own.get('/keys/help/none')).statusCode, 404)
  const all = await buildPages(t)
  all.app.get('/*', { config: { apiKey: false } }, async ({ url }) => `all ${url}`)
  t.equal((await all.get('/keys/a/b/c')).body, 'all /keys/a/b/c')
  t.match(textOf(await all.get('/keys')), 'New key')
})

test("where no key is required, the application's not-found handler serves what is none of the pages", async (t) => {
  const { get } = await buildPages(t, { required: false }, (app) => { app.setNotFoundHandler(async ({ url }) => `own ${url}`) })
  t.equal((await get('/keys/a/b/c')).body, 'own /keys/a/b/c')
  const closed = await buildPages(t, {}, (app) => { app.setNotFoundHandler(async ({ url }) => `own ${url}`) })
  t.equal((await closed.get('/keys/a/b/c')).statusCode, 404)
  const { key } = await closed.app.apiKeys.create('ann')
  t.equal((await closed.get('/elsewhere', null, { 'x-api-authorization': key })).body, 'own /elsewhere')
})

test('below a prefix with a parameter the way back keeps it', async (t) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(async (team) => {
    await team.register(apiKey, { database: ':memory:', getUser: userOf, now: () => NOW })
  }, { prefix: '/:team' })
  const page = await app.inject({ url: '/a%2Fb/keys/x/y', headers: { user: 'ann' } })
  t.equal(page.statusCode, 404)
  t.match(page.body, 'href="/a%2Fb/keys"')
})
