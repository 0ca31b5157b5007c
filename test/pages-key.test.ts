import { mock } from 'node:test'
import rateLimit from '@fastify/rate-limit'
import { test } from 'tap'
import { UnavailableError } from '../lib/errors.js'
import { internalsOf } from '../lib/keys/service.js'
import { DAY, HOUR } from './helpers/app.js'
import { buildPages, NOW, textOf } from './helpers/pages.js'

test('the page of a key tells all that is known of it', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now, scopes: { 'a:read': 'Read A', 'a:write': 'Write A' } })
  const { id, start, key } = await app.apiKeys.create('ann', { name: 'backup', scopes: ['a:read', 'a:write'], expiresIn: '90d', allowedIps: ['192.0.2.0/24', '::1'] })
  now += HOUR
  await app.apiKeys.verify(key, { ip: '192.0.2.7' })
  const page = await get(`/keys/${id}`)
  t.equal(page.statusCode, 200)
  t.match(page.body, '<title>backup</title>')
  t.match(textOf(page), `backup Active ${start}… Edit Rotate Disable Revoke`)
  t.match(textOf(page), 'Created 1 hour ago Last used just now From 192.0.2.7 Expires 12 Jun 2026 Allowed addresses 192.0.2.0/24 ::1 Scopes a:read Read A a:write Write A')
  t.notMatch(page.body, key)
  await app.apiKeys.profiles.update('ann', { scopes: ['a:read'] })
  t.match(textOf(await get(`/keys/${id}`)), 'Scopes a:read Read A a:write Write A (not allowed any more)')
})

test('a key with nothing to tell says so', async (t) => {
  const { app, get } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann')
  const text = textOf(await get(`/keys/${id}`))
  t.match(text, 'Unnamed key Active')
  t.match(text, 'Last used Never Expires Never Allowed addresses anywhere Scopes None: it can do nothing that needs a scope.')
  t.match(text, 'Limits Quota No limit Rate limit No limit')
  t.notMatch(text, 'Show as a table')
  const scoped = await app.apiKeys.create('ann', { scopes: ['undeclared'] })
  t.match(textOf(await get(`/keys/${scoped.id}`)), 'Scopes undeclared Limits')
})

test('a key that has ended can only be looked at', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now })
  const revoked = await app.apiKeys.create('ann', { name: 'k' })
  await app.apiKeys.revoke(revoked.id, { reason: 'lost it' })
  const expired = await app.apiKeys.create('ann', { name: 'k', expiresIn: '1d' })
  now += DAY
  const first = await get(`/keys/${revoked.id}`)
  t.match(textOf(first), 'Revoked yesterday Reason lost it')
  t.notMatch(first.body, /Rotate|<form/)
  const second = await get(`/keys/${expired.id}`)
  t.match(textOf(second), 'k Expired')
  t.match(textOf(second), 'Expired just now')
  t.notMatch(second.body, /Rotate|<form/)
})

test('the chart tells accepted and refused requests of 30 days, as a picture and as figures', async (t) => {
  let now = NOW - 2 * DAY
  const { app, get } = await buildPages(t, { now: () => now })
  const { id, key } = await app.apiKeys.create('ann', { allowedIps: ['192.0.2.1'] })
  for (let i = 0; i < 15; i++) await app.apiKeys.verify(key, { ip: '192.0.2.1' })
  for (let i = 0; i < 5; i++) await t.rejects(app.apiKeys.verify(key, { ip: '192.0.2.2' }))
  now += 2 * DAY
  await app.apiKeys.update(id, { enabled: false })
  await t.rejects(app.apiKeys.verify(key, { ip: '192.0.2.1' }))
  const page = await get(`/keys/${id}`)
  t.match(page.body, /<svg viewBox="0 0 300 100" [^>]*role="img" aria-labelledby="ak-chart-title">\s*<title id="ak-chart-title">Requests by day \(UTC\) in the last 30 days: 15 accepted, 6 refused<\/title>/)
  t.match(page.body, '<path class="ak-bars" d="M271.5 100v-75h7v75z"/>')
  t.match(page.body, '<path class="ak-bars-refused" d="M271.5 25v-25h7v25zM291.5 100v-5h7v5z"/>', 'what was refused stands on what was accepted')
  t.match(page.body, '<title>12 Mar 2026: 15 accepted, 5 refused</title>')
  t.equal([...page.body.matchAll(/class="ak-hover"/g)].length, 30)
  t.match(textOf(page), '20 10 0 Requests by day')
  t.match(textOf(page), '13 Feb 2026 14 Mar 2026 Accepted 15 Refused 6 Days in UTC.')
  t.match(textOf(page), 'Why requests were refused Not an allowed address: 5 The key is disabled: 1')
  t.match(textOf(page), 'Day (UTC) Accepted Refused 12 Mar 2026 15 5 14 Mar 2026 0 1')
})

test('a reason that has no words of its own is counted among the others', async (t) => {
  const { app, get } = await buildPages(t, { groups: { gone: {} } })
  const { id } = await app.apiKeys.create('ann')
  internalsOf(app.apiKeys).uses = async () => new Map([[id, [{ day: '2026-03-14', accepted: 0, refused: { FST_API_KEY_UNKNOWN_GROUP: 2, FST_API_KEY_NEW: 1 } }]]])
  t.match(textOf(await get(`/keys/${id}`)), 'Other reasons: 3')
})

test('the scale of the chart ends with a number that is easy to read', async (t) => {
  const { app, get } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann')
  for (const [accepted, ticks] of [[1, '1 0'], [2, '2 1 0'], [5, '5 0'], [7, '8 4 0'], [21, '30 15 0'], [9, '10 5 0'], [100, '100 50 0'], [1_234_567, '2,000,000 1,000,000 0']] as const) {
    internalsOf(app.apiKeys).uses = async () => new Map([[id, [{ day: '2026-03-14', accepted, refused: {} }]]])
    t.match(textOf(await get(`/keys/${id}`)), `Last 30 days ${ticks} Requests`)
  }
})

test('limits tell what is left and when they begin anew', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now, rateLimit: { max: 100, timeWindow: '1m' } })
  const make = async (options: object) => (await app.apiKeys.create('ann', options)).id
  const limits = async (id: string) => /Limits (.*?) History/.exec(textOf(await get(`/keys/${id}`)))?.[1]
  t.equal(await limits(await make({})), 'Quota No limit Rate limit 100 requests in 1 minute 100 left Counting begins with the next request.')
  t.equal(await limits(await make({ rateLimit: false })), 'Quota No limit Rate limit No limit')
  t.equal(await limits(await make({ rateLimit: { max: 1, timeWindow: '1d' } })), 'Quota No limit Rate limit 1 request in 1 day 1 left Counting begins with the next request.')
  t.match(await limits(await make({ quota: { max: 1000 } })), 'Quota 0 of 1,000 uses 1,000 left It does not begin anew.')
  const { id, key } = await app.apiKeys.create('ann', { rateLimit: false, quota: { max: 4, every: '30d' } })
  t.match(await limits(id), 'Quota 0 of 4 uses 4 left Begins with the first use, and anew every 30 days.')
  for (let i = 0; i < 3; i++) await app.apiKeys.verify(key)
  now += 27 * DAY
  t.match(await limits(id), 'Quota 3 of 4 uses 1 left Begins anew every 30 days; the next time in 3 days .')
  t.match((await get(`/keys/${id}`)).body, '<rect width="75" height="8"/>')
  t.match(await limits(await make({ quota: { max: 1, every: 1500 } })), 'and anew every 1,500 milliseconds.')
  await app.apiKeys.update(id, { quota: { max: 2, every: '30d' } })
  t.match(await limits(id), 'Quota 3 of 2 uses 0 left')
  t.match((await get(`/keys/${id}`)).body, /ak-full".*<rect width="100" height="8"\/>/)
})

test('how much of a rate limit is left is told as it is now, and looking costs none', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: NOW })
  t.after(() => mock.timers.reset())
  const getUser = ({ headers }: { headers: Record<string, unknown> }) => ({ id: String(headers['user']), admin: headers['user'] === 'root' })
  const { app, get } = await buildPages(t, { now: Date.now, getUser, rateLimit: { max: 4, timeWindow: '2h' } })
  const { id, key } = await app.apiKeys.create('ann')
  const rate = async (user = 'ann') => /Rate limit (.*?) History/.exec(textOf(await get(`/keys/${id}`, user)))?.[1]
  await get('/keys')
  await app.apiKeys.verify(key)
  for (const user of ['ann', 'root', 'ann']) t.equal(await rate(user), '4 requests in 2 hours 3 left All 4 are there again in 2 hours .')
  t.match((await get(`/keys/${id}`)).body, '<rect width="25" height="8"/>')
  mock.timers.tick(90 * 60_000)
  for (let i = 0; i < 3; i++) await app.apiKeys.verify(key)
  t.equal(await rate(), '4 requests in 2 hours 0 left All 4 are there again in 30 minutes .')
  t.match((await get(`/keys/${id}`)).body, /ak-full".*<rect width="100" height="8"\/>/)
  mock.timers.tick(30 * 60_000)
  t.equal(await rate(), '4 requests in 2 hours 4 left Counting begins with the next request.')
})

test('where nothing can tell how much is left, the page says what does', async (t) => {
  const { app, get } = await buildPages(t, { rateLimit: { max: 4, timeWindow: '2h' } }, async (app) => {
    await app.register(rateLimit, { global: false, store: class Store { incr (): void {} child () { return new Store() } } })
  })
  const { id } = await app.apiKeys.create('ann')
  const page = await get(`/keys/${id}`)
  t.match(textOf(page), 'Rate limit 4 requests in 2 hours Each answer of the API says in RateLimit-Remaining how many are left at that moment. History')
  t.notMatch(page.body, 'ak-meter')
})

test('the history tells who changed what, in pages', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now })
  const ann = { actor: 'ann', ip: '192.0.2.7' }
  const { id } = await app.apiKeys.create('ann', { name: 'one', scopes: ['a'], expiresIn: '30d', quota: { max: 5 }, rateLimit: { max: 7, timeWindow: '1m' }, metadata: { secret: 'note' } }, ann)
  await app.apiKeys.update(id, { name: 'two', scopes: [], allowedIps: ['::1'], enabled: false, expiresAt: null, rateLimit: false, quota: { max: 6, every: '1d' }, metadata: null }, { actor: 'root' })
  await app.apiKeys.update(id, { allowedIps: null, enabled: true, quota: null, rateLimit: null })
  now += DAY
  await app.apiKeys.rotate(id, { overlap: '1h' }, ann)
  const text = textOf(await get(`/keys/${id}`))
  const history = text.slice(text.indexOf('History'))
  t.match(history, 'History Rotated by you from 192.0.2.7 just now The old secret works until: 15 Mar 2026, 13:00:00 UTC')
  t.match(history, /Changed yesterday (.*)Changed by root yesterday/)
  for (const change of [
    'Name: one → two', 'Scopes: a → nothing', 'Allowed addresses: anywhere → ::1', 'Allowed addresses: ::1 → anywhere', 'Enabled: yes → no', 'Enabled: no → yes',
    'Expires: 13 Apr 2026, 12:00:00 UTC → Never', 'Rate limit: 7 requests in 1 minute → no limit', 'Rate limit: no limit → the default',
    'Quota: 5 uses in total → 6 uses in 1 day', 'Quota: 6 uses in 1 day → the default'
  ]) t.match(history, change)
  t.match(history, 'Created by you from 192.0.2.7 yesterday Name: one Scopes: a Expires: 13 Apr 2026, 12:00:00 UTC Rate limit: 7 requests in 1 minute Quota: 5 uses in total')
  t.notMatch(history, /note|digest|metadata/)

  for (let i = 0; i < 10; i++) await app.apiKeys.update(id, { name: `name ${i}` })
  const page = await get(`/keys/${id}`)
  t.match(textOf(page), 'Name: name 8 → name 9')
  const older = /href="([^"]*)">Older changes/.exec(page.body)?.[1] ?? ''
  t.match(older, /^\/keys\/[^?]*\?before=\d+#ak-history$/)
  const next = await get(older.split('#')[0] ?? '')
  t.match(textOf(next), 'Name: one → two')
  t.notMatch(next.body, 'Older changes')
  for (const before of ['0', 'x', '', '99999999999999999999']) t.match(textOf(await get(`/keys/${id}?before=${before}`)), 'name 8 → name 9')
  t.match(textOf(await get(`/keys/${id}?before=1`)), 'History Nothing is remembered.')
})

test('where others were that changed a key, only an administrator sees', async (t) => {
  const getUser = ({ headers }: { headers: Record<string, unknown> }) => ({ id: String(headers['user']), owner: headers['user'] === 'root' ? 'root' : 'acme', admin: headers['user'] === 'root' })
  const { app, get } = await buildPages(t, { getUser })
  const { id } = await app.apiKeys.create('acme', { name: 'k' }, { actor: 'ann', ip: '192.0.2.1' })
  await app.apiKeys.update(id, { name: 'l' }, { actor: 'root', ip: '192.0.2.2' })
  await app.apiKeys.update(id, { name: 'm' }, { actor: 'acme', ip: '192.0.2.3' })
  await app.apiKeys.update(id, { name: 'n' }, { ip: '192.0.2.4' })
  const seen = async (user: string) => /History (.*)$/.exec(textOf(await get(`/keys/${id}`, user)))?.[1]?.replace(/ just now Name: (\S+ → )?\S+/g, ',')
  t.equal(await seen('ann'), 'Changed, Changed by acme from 192.0.2.3, Changed by root, Created by you from 192.0.2.1,')
  t.equal(await seen('root'), 'Changed from 192.0.2.4, Changed by acme from 192.0.2.3, Changed by you from 192.0.2.2, Created by ann from 192.0.2.1,')
})

test('a change that a later version made is told as one', async (t) => {
  const { app, get } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann')
  const history = app.apiKeys.history.bind(app.apiKeys)
  app.apiKeys.history = async (query) => {
    const { entries, cursor } = await history(query)
    return { entries: entries.map((entry) => ({ ...entry, action: 'apiKeyMoved', changes: { place: ['a', 'b'], name: 'odd' } })), cursor }
  }
  t.match(textOf(await get(`/keys/${id}`)), /History Changed just now$/)
})

test('during a rotation the page tells of both secrets', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now })
  const { id, key } = await app.apiKeys.create('ann')
  await app.apiKeys.rotate(id, { overlap: '24h' })
  t.match(textOf(await get(`/keys/${id}`)), 'The old secret still works, and ends in 1 day . It was not used since the rotation.')
  now += HOUR
  await app.apiKeys.verify(key)
  now += HOUR
  t.match(textOf(await get(`/keys/${id}`)), 'The old secret still works, and ends in 22 hours . It was last used 1 hour ago .')
  t.match(textOf(await get(`/keys/${id}`)), 'Secret rotated 2 hours ago')
  now += DAY
  t.notMatch(textOf(await get(`/keys/${id}`)), 'old secret still')
})

test('the old secret is told to work only while the key does', async (t) => {
  let now = NOW
  const { app, get, post } = await buildPages(t, { now: () => now })
  const rotated = async () => {
    const { id } = await app.apiKeys.create('ann', { name: 'k' })
    await app.apiKeys.rotate(id, { overlap: '24h' })
    t.match(textOf(await get(`/keys/${id}`)), 'The old secret still works')
    t.match(textOf(await get(`/keys/${id}/rotate`)), 'A secret from before still works')
    return id
  }
  const [revoked, expired, disabled] = [await rotated(), await rotated(), await rotated()]
  await app.apiKeys.revoke(revoked)
  await app.apiKeys.update(expired, { expiresIn: '2h' })
  await app.apiKeys.update(disabled, { enabled: false })
  now += 3 * HOUR
  for (const id of [revoked, expired, disabled]) t.notMatch(textOf(await get(`/keys/${id}`)), /still works|last used since|since the rotation/i)
  t.notMatch(textOf(await get(`/keys/${disabled}/rotate`)), 'still works')
  await app.apiKeys.update(disabled, { enabled: true })
  t.match(textOf(await get(`/keys/${disabled}`)), 'The old secret still works, and ends in 21 hours')
  await app.apiKeys.update(disabled, { enabled: false })
  const answer = await post(`/keys/${disabled}/rotate`, { overlap: '1h' })
  t.match(textOf(answer), 'The key “k” has a new secret. It is disabled: requests with it are refused until you enable it. Secret')
})

test('no secret is told to work while its owner may not use the API', async (t) => {
  const { app, get, post } = await buildPages(t)
  const why = 'Your API keys are not accepted at the moment. Ask the people who run this service why.'
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const rotated = async () => String((await app.apiKeys.get(id))?.rotatedAt?.getTime())
  await app.apiKeys.rotate(id, { overlap: '24h' })
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  const page = textOf(await get(`/keys/${id}`))
  t.match(page, why)
  t.notMatch(page, 'still works')
  t.notMatch(textOf(await get(`/keys/${id}/rotate`)), 'still works')
  t.match(textOf(await post(`/keys/${id}/rotate`, { overlap: '1h', rotated: await rotated() })), `The key “k” has a new secret. ${why} Secret`)
  t.match(textOf(await post('/keys', { name: 'n', expiry: '30d' })), `The key “n” is made. ${why} It expires 13 Apr 2026 . Secret`)
  const after = async (path: string, fields: Record<string, string> = {}) => textOf(await get(String((await post(`/keys/${id}/${path}`, fields)).headers.location)))
  t.match(await after('disable'), new RegExp(`The key is disabled\\. ${why} k Disabled`))
  t.match(textOf(await post(`/keys/${id}/rotate`, { overlap: '0', rotated: await rotated() })), `The key “k” has a new secret. ${why} Secret`)
  t.match(await after('enable'), new RegExp(`The key is enabled\\. ${why} k Active`))
  t.match(await after('edit', { name: 'k', expiry: 'keep', addresses: '' }), new RegExp(`The changes are saved\\. ${why} k Active`))
  await app.apiKeys.profiles.update('ann', { canUseApi: true })
  await app.apiKeys.rotate(id, { overlap: '24h' })
  t.match(textOf(await get(`/keys/${id}`)), 'The old secret still works')
})

test('nothing that fails once there is a secret keeps it from being shown', async (t) => {
  for (const verb of ['create', 'rotate'] as const) {
    const { app: { apiKeys }, post } = await buildPages(t)
    const { id } = await apiKeys.create('ann', { name: 'k' })
    const change = apiKeys[verb].bind(apiKeys) as (...args: unknown[]) => Promise<never>
    apiKeys[verb] = async (...args: unknown[]) => {
      const made = await change(...args)
      const fail = async () => { throw new UnavailableError() }
      Object.assign(apiKeys, { get: fail, list: fail, uses: fail, history: fail })
      apiKeys.profiles.get = fail
      return made
    }
    const page = await post(verb === 'create' ? '/keys' : `/keys/${id}/rotate`, { name: 'n', expiry: '30d', overlap: '0' })
    t.equal(page.statusCode, 200)
    t.match(await apiKeys.verify(String(/<textarea id="ak-secret"[^>]*>(\w+)</.exec(page.body)?.[1])), { id: 'ann' })
  }
})

test("somebody else's key has no pages", async (t) => {
  const { app, get, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('bob', { name: 'of bob' })
  const never = await get('/keys/01936f4e-0000-7000-8000-000000000000')
  t.equal(never.statusCode, 404)
  for (const path of ['', '/edit', '/rotate']) t.equal((await get(`/keys/${id}${path}`)).body, never.body, path)
  for (const path of ['/edit', '/rotate', '/enable', '/disable']) t.equal((await post(`/keys/${id}${path}`, { name: 'x' })).body, never.body, path)
  t.match(await app.apiKeys.get(id), { name: 'of bob', state: 'active', rotatedAt: null })
})
