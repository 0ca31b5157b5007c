import { test } from 'tap'
import { INFO, Log } from './helpers/app.js'
import { buildPages, textOf } from './helpers/pages.js'

const HOST = { host: 'app.example.com' }

async function statusOf (t: Parameters<typeof buildPages>[0], headers: Record<string, string>, trustProxy = false) {
  const { app, post } = await buildPages(t, {}, undefined, { trustProxy })
  const page = await post('/keys', { name: 'k' }, 'ann', { ...HOST, ...headers })
  t.equal((await app.apiKeys.list('ann')).length, page.statusCode === 200 ? 1 : 0)
  return page.statusCode
}

test("a browser's word on where a form came from decides", async (t) => {
  for (const [site, status] of [['same-origin', 200], ['none', 200], ['same-site', 403], ['cross-site', 403], ['Same-Origin', 403], ['same-origin, none', 403]] as const) {
    t.equal(await statusOf(t, { 'sec-fetch-site': site }), status, site)
  }
})

test('it decides over Origin', async (t) => {
  t.equal(await statusOf(t, { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }), 200)
  t.equal(await statusOf(t, { 'sec-fetch-site': 'cross-site', origin: 'https://app.example.com' }), 403)
})

test('without it, Origin is compared with the host that was asked', async (t) => {
  for (const [origin, status] of [
    ['https://app.example.com', 200], ['http://app.example.com', 200], ['HTTPS://APP.example.com', 200], ['', 200],
    ['https://evil.example', 403], ['https://app.example.com.evil.example', 403], ['https://app.example.com:8443', 403],
    ['null', 403], ['file://', 403], ['app.example.com', 403], ['https://app.example.com, https://evil.example', 403]
  ] as const) {
    t.equal(await statusOf(t, { origin }), status, origin)
    t.equal(await statusOf(t, { origin, 'sec-fetch-site': '' }), status, origin)
  }
})

test('a port that is the default of the scheme makes no difference', async (t) => {
  t.equal(await statusOf(t, { origin: 'https://app.example.com', host: 'app.example.com:443' }), 200)
  t.equal(await statusOf(t, { origin: 'https://app.example.com', host: 'app.example.com:80' }), 403)
  t.equal(await statusOf(t, { origin: 'http://app.example.com:3000', host: 'app.example.com:3000' }), 200)
})

test('a host that is none matches no origin', async (t) => {
  t.equal(await statusOf(t, { origin: 'https://app.example.com', host: 'a b' }), 403)
})

test('behind a trusted proxy the host is the one it was asked for', async (t) => {
  const headers = { origin: 'https://public.example', 'x-forwarded-host': 'public.example' }
  t.equal(await statusOf(t, headers, true), 200)
  t.equal(await statusOf(t, headers, false), 403)
})

test('without both headers there is no browser, and no session to abuse', async (t) => {
  t.equal(await statusOf(t, {}), 200)
})

test('a refused form gets a page, before anybody is asked who is there', async (t) => {
  let asked = 0
  const { app, post } = await buildPages(t, { getUser: () => { asked++; return { id: 'ann' } } })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  for (const url of ['/keys', `/keys/${id}/revoke`]) {
    const page = await post(url, { name: 'x' }, 'ann', { 'sec-fetch-site': 'cross-site' })
    t.equal(page.statusCode, 403)
    t.match(textOf(page), 'This form came from elsewhere Nothing was changed. It was sent by a page of another address.')
  }
  t.equal(asked, 0)
  t.equal((await app.apiKeys.get(id))?.state, 'active')
})

test('links from other sites may lead here', async (t) => {
  const { app, get } = await buildPages(t)
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  t.equal((await get('/keys', 'ann', headers)).statusCode, 200)
  t.equal((await app.inject({ method: 'HEAD', url: '/keys', headers: { ...headers, user: 'ann' } })).statusCode, 200)
})

test('where a form was refused, the log tells what it came from and what was asked', async (t) => {
  const log = new Log()
  const { post } = await buildPages(t, {}, undefined, { logger: { level: 'info', stream: log.stream } })
  await post('/keys', { name: 'k' }, 'ann', { host: 'internal:3000', origin: 'https://app.example.com' })
  t.match(log.lines.find(({ msg }) => msg === 'a change was refused since it came from a page of another origin'), { origin: 'https://app.example.com', host: 'internal:3000', level: INFO })
})
