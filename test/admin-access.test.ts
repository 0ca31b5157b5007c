import { test } from 'tap'
import type { User } from '../lib/index.js'
import { buildAdmin } from './helpers/admin.js'
import { buildPages, textOf } from './helpers/pages.js'

const PAGES = ['/keys/admin', '/keys/admin?q=ann', '/keys/admin/user?id=ann', '/keys/admin/user', '/keys/admin/identify', '/keys/admin/keys?user=ann', '/keys/admin/revoke-all?user=ann']
const FORMS = [
  ['/keys/admin/identify', { secret: 'x' }], ['/keys/admin/user?id=ann', { action: 'make' }], ['/keys/admin/user?id=ann', { canUseApi: 'no' }],
  ['/keys/admin/keys?user=ann', { name: 'k' }], ['/keys/admin/revoke-all?user=ann', {}]
] as const

test('for everybody who is no administrator there are no such pages', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  await app.apiKeys.profiles.create('ann')
  await app.apiKeys.create('ann')
  const unknown = await get('/keys/01936f4e-0000-7000-8000-000000000000/revoke', 'ann')
  t.equal(unknown.statusCode, 404)
  for (const page of [...await Promise.all(PAGES.map((url) => get(url, 'ann'))), ...await Promise.all(FORMS.map(([url, fields]) => post(url, fields, 'ann')))]) {
    t.equal(page.statusCode, 404)
    t.equal(page.body, unknown.body, 'as for a key that there is not')
    t.same(Object.keys(page.headers).sort(), Object.keys(unknown.headers).sort())
  }
  t.match(await app.apiKeys.profiles.get('ann'), { canUseApi: true })
  t.same(await app.apiKeys.count('ann'), { live: 1, dead: 0 })
})

test('who is an administrator is asked of the application at each request, and is kept nowhere', async (t) => {
  const user: User = { id: 'eve', admin: true }
  const { get, post } = await buildPages(t, { getUser: () => user })
  t.equal((await get('/keys/admin')).statusCode, 200)
  user.admin = false
  t.equal((await get('/keys/admin')).statusCode, 404)
  t.equal((await post('/keys/admin/user?id=ann', { action: 'make' })).statusCode, 404)
  delete user.admin
  t.equal((await get('/keys/admin')).statusCode, 404)
  user.admin = true
  t.equal((await get('/keys/admin')).statusCode, 200)
})

test('an administrator needs no profile, and visiting makes none', async (t) => {
  const { app, get, post } = await buildAdmin(t, { autoProfile: () => { throw new Error('must not be asked') } })
  for (const url of PAGES) t.not((await get(url)).statusCode, 500, url)
  t.equal((await post('/keys/admin/identify', { secret: 'x' })).statusCode, 200)
  t.same(await app.apiKeys.profiles.list(), [])
})

test('nobody signed in is sent to sign in, and a form is not lost without a word', async (t) => {
  const { app, get, post } = await buildAdmin(t, { pages: { loginUrl: '/sign-in' } })
  for (const url of PAGES) {
    const answer = await get(url, null)
    t.equal(answer.statusCode, 302)
    t.equal(answer.headers.location, `/sign-in?next=${encodeURIComponent(url)}`)
  }
  for (const [url, fields] of FORMS) {
    const page = await post(url, fields, null)
    t.equal(page.statusCode, 401)
    const isNewKey = url.startsWith('/keys/admin/keys')
    t.match(textOf(page), `Your session has ended ${isNewKey ? 'No key was made.' : 'Nothing was changed.'}`)
    const link = /href="(\/sign-in[^"]*)"/.exec(page.body)?.[1] ?? ''
    const next = new URL(link, 'http://x').searchParams.get('next') ?? ''
    t.equal(next, isNewKey ? '/keys/admin/user?id=ann&name=k' : 'canUseApi' in fields ? `${url}&canUseApi=no` : url)
    t.ok([200, 302, 404].includes((await get(next)).statusCode), 'where it leads to is there')
  }
  t.same(await app.apiKeys.profiles.list(), [])
})

test('forms from another site are refused', async (t) => {
  const { app, post } = await buildAdmin(t)
  for (const [url, fields] of FORMS) {
    const page = await post(url, fields, 'root', { 'sec-fetch-site': 'cross-site' })
    t.equal(page.statusCode, 403)
    t.match(textOf(page), 'This form came from elsewhere')
  }
  t.same(await app.apiKeys.profiles.list(), [])
})

test('addresses that only take a form lead back to where the form is', async (t) => {
  const { get } = await buildAdmin(t)
  t.match(await get('/keys/admin/identify'), { statusCode: 302, headers: { location: '/keys/admin' } })
  t.match(await get('/keys/admin/keys?user=a%2Fb'), { statusCode: 302, headers: { location: '/keys/admin/user?id=a%2Fb' } })
})

test('every page for administrators is kept by no cache and allows nothing inline', async (t) => {
  const { get, post } = await buildAdmin(t)
  for (const page of [...await Promise.all(PAGES.map((url) => get(url))), await post('/keys/admin/identify', { secret: 'x' })]) {
    t.equal(page.headers['cache-control'], 'no-store')
    t.match(String(page.headers['content-security-policy']), "default-src 'none'")
    t.notMatch(page.body, /<style|<script>| style=| on[a-z]+=/)
  }
})
