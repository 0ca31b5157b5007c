import { test } from 'tap'
import { DAY } from './helpers/app.js'
import { attribute, buildPages, NOW, secretOf, textOf } from './helpers/pages.js'

const SCOPES = { 'buckets:read': 'List and read buckets', 'buckets:write': 'Change buckets' }

/** The values of the choices of an expiry, the selected one in brackets. */
function choices ({ body }: { body: string }): string {
  return [...body.matchAll(/<option value="([^"]*)"( selected)?[ >]/g)].map(([, value, selected]) => selected ? `[${value}]` : value).join(' ')
}

/** The fields that say that something is wrong with them, the one with the focus in brackets. */
function faulty ({ body }: { body: string }): string {
  const focused = /<[^>]* autofocus>/.exec(body)?.[0] ?? ''
  return [...body.matchAll(/id="ak-(\w+)-error"/g)].map(([, name]) => focused.includes(`ak-${name}-error`) ? `[${name}]` : name).join(' ')
}

test('90 days are preselected, beside other choices, a day, and never', async (t) => {
  const { get } = await buildPages(t)
  const page = await get('/keys')
  t.equal(choices(page), '30d 60d [90d] 365d date never')
  t.match(textOf(page), 'In 30 days (13 Apr 2026) In 60 days (13 May 2026) In 90 days (12 Jun 2026) In 1 year (14 Mar 2027) On a day of my choice Never')
  t.equal(attribute(page, /<input id="ak-date"[^>]*>/, 'min'), '2026-03-14')
  t.equal(attribute(page, /<input id="ak-date"[^>]*>/, 'max'), undefined)
})

test('the choices are cut to what profile, group and plugin allow, which the form tells', async (t) => {
  for (const [expiry, expected, told] of [
    [{ max: '45d' }, '30d [max] date', 'At the latest on 28 Apr 2026. In 30 days (13 Apr 2026) As late as allowed: in 45 days (28 Apr 2026)'],
    [{ max: '90d' }, '30d 60d [90d] date', 'At the latest on 12 Jun 2026.'],
    [{ max: '12h' }, '[max]', 'At the latest on 15 Mar 2026, 00:00:00 UTC. As late as allowed: in 12 hours (15 Mar 2026)'],
    [{ max: '36h' }, '[max] date', 'At the latest on 16 Mar 2026, 00:00:00 UTC. As late as allowed: in 36 hours (16 Mar 2026)'],
    [{ max: '1d' }, '[max] date', 'As late as allowed: in 1 day (15 Mar 2026)'],
    [{ max: '84h' }, '[max] date', 'At the latest on 18 Mar 2026. As late as allowed: in 3 days, 12 hours (18 Mar 2026)'],
    [{ max: '179m' }, '[max]', 'As late as allowed: in 2 hours, 59 minutes'],
    [{ max: '1h' }, '[max]', 'As late as allowed: in 1 hour'],
    [{ max: '90m' }, '[max]', 'As late as allowed: in 90 minutes'],
    [{ max: '255h' }, '[max] date', 'As late as allowed: in 10 days (25 Mar 2026)'],
    [{ max: '2881m' }, '[max] date', 'As late as allowed: in 2 days (16 Mar 2026)'],
    [{ max: '90s' }, '[max]', 'As late as allowed: in 1 minute'],
    [{ max: '30s' }, '[max]', 'As late as allowed: in 1 minute'],
    [{ default: '30d' }, '[30d] 60d 90d 365d date never', 'In 30 days'],
    [{ default: '7d', max: '90d' }, '[7d] 30d 60d 90d date', 'In 7 days'],
    [{ default: '36h' }, '[129600000ms] 30d 60d 90d 365d date never', 'In 36 hours']
  ] as const) {
    const plugin = await buildPages(t, { expiry })
    t.equal(choices(await plugin.get('/keys')), expected)
    t.match(textOf(await plugin.get('/keys')), told)
    const { app, get } = await buildPages(t, { expiry: { max: '1y' }, groups: { g: { expiry: Object.assign({ max: false }, expiry) } } })
    await app.apiKeys.profiles.create('ann', { group: 'g' })
    t.equal(choices(await get('/keys')), expected, 'of a group')
    await app.apiKeys.profiles.create('bob', { expiry: Object.assign({ max: false }, expiry) })
    t.equal(choices(await get('/keys', 'bob')), expected, 'of a profile')
  }
})

test('a key gets the expiry that was chosen', async (t) => {
  for (const [max, fields, expected] of [
    [false, { expiry: '30d' }, NOW + 30 * DAY], [false, { expiry: '365d' }, NOW + 365 * DAY], [false, { expiry: 'never', date: '2026-04-01' }, null],
    [false, { expiry: 'date', date: '2026-03-14' }, Date.UTC(2026, 2, 15)], [false, { expiry: 'date', date: '2030-02-28' }, Date.UTC(2030, 2, 1)],
    [false, { expiry: '' }, NOW + 10 * DAY], [false, {}, NOW + 10 * DAY],
    ['45d', { expiry: 'max' }, NOW + 45 * DAY], ['45d', { expiry: 'date', date: '2026-04-27' }, Date.UTC(2026, 3, 28)],
    // The last day is not over when the time is.
    ['45d', { expiry: 'date', date: '2026-04-28' }, NOW + 45 * DAY], ['30d', { expiry: '30d' }, NOW + 30 * DAY]
  ] as const) {
    const { app, post } = await buildPages(t, { expiry: { default: '10d', max } })
    t.equal((await post('/keys', { name: 'k', ...fields })).statusCode, 200)
    const [key] = await app.apiKeys.list('ann')
    t.equal(key?.expiresAt?.getTime() ?? null, expected, JSON.stringify(fields))
  }
})

test('an expiry that cannot be is told at the field', async (t) => {
  for (const [max, fields, told] of [
    [false, { expiry: 'date' }, 'Enter the last day'], [false, { expiry: 'date', date: 'tomorrow' }, 'Enter the last day'],
    [false, { expiry: 'date', date: '2026-02-31' }, 'Enter the last day'], [false, { expiry: 'date', date: '2026-13-01' }, 'Enter the last day'],
    [false, { expiry: 'date', date: '2026-03-13' }, 'This day is over.'], [false, { expiry: 'date', date: '9999-12-31' }, 'Choose an earlier time'],
    [false, { expiry: 'max' }, 'Choose one of these.'], [false, { expiry: 'keep' }, 'Choose one of these.'], [false, { expiry: '31d' }, 'Choose one of these.'],
    [false, { expiry: 'soon' }, 'Choose one of these.'],
    ['45d', { expiry: 'never' }, 'Choose an earlier time'], ['45d', { expiry: '60d' }, 'Choose an earlier time'], ['45d', { expiry: 'date', date: '2026-04-29' }, 'Choose an earlier time']
  ] as const) {
    const { app, post } = await buildPages(t, { expiry: { max } })
    const page = await post('/keys', { name: 'k', ...fields })
    t.equal(page.statusCode, 400, JSON.stringify(fields))
    t.equal(faulty(page), '[expiry]')
    t.match(textOf(page), told)
    t.match(page.body, fields.expiry === 'date' ? /<input id="ak-date"[^>]* aria-invalid="true" autofocus>/ : /<select id="ak-expiry"[^>]* aria-invalid="true" autofocus>/)
    t.same(await app.apiKeys.list('ann'), [])
  }
})

test('scopes are offered as the application describes them, as far as the profile allows, and given', async (t) => {
  const { app, get, post } = await buildPages(t, { scopes: SCOPES, groups: { reader: { scopes: ['buckets:read'] }, nobody: { scopes: [] } } })
  t.match(textOf(await get('/keys')), 'Scopes What the key may do. Give it no more than it needs. buckets:read List and read buckets buckets:write Change buckets')
  t.equal((await post('/keys', 'name=k&scopes=buckets%3Aread&scopes=buckets%3Awrite')).statusCode, 200)
  t.match(await app.apiKeys.list('ann'), [{ scopes: ['buckets:read', 'buckets:write'] }])
  t.equal((await post('/keys', { name: 'k', scopes: 'buckets:read' })).statusCode, 200)
  t.match(await app.apiKeys.list('ann'), [{ scopes: ['buckets:read'] }, {}])

  await app.apiKeys.profiles.create('bob', { group: 'reader' })
  t.notMatch((await get('/keys', 'bob')).body, 'value="buckets:write"')
  for (const scopes of ['buckets:write', 'buckets:delete']) {
    const page = await post('/keys', `name=k&scopes=buckets:read&scopes=${scopes}`, 'bob')
    t.equal(page.statusCode, 400)
    t.equal(faulty(page).replace(/[[\]]/g, ''), 'scopes')
    t.match(page.body, /value="buckets:read" checked autofocus>/)
    t.match(textOf(page), 'A scope that was chosen may not be given.')
  }
  t.equal((await post('/keys', 'name=k&scopes=buckets:read&scopes=buckets:read', 'bob')).statusCode, 400)
  await app.apiKeys.profiles.create('eve', { group: 'nobody' })
  t.notMatch((await get('/keys', 'eve')).body, '<fieldset')
})

test('without declared scopes there is no field for them, and none is taken', async (t) => {
  const { app, get, post } = await buildPages(t)
  t.notMatch((await get('/keys')).body, '<fieldset')
  t.equal((await post('/keys', { name: 'k', scopes: 'anything' })).statusCode, 400)
  t.same(await app.apiKeys.list('ann'), [])
})

test('addresses are entered one on each line', async (t) => {
  const { app, post } = await buildPages(t)
  await post('/keys', { name: 'k', addresses: ' 192.0.2.0/24\r\n\r\n2001:db8::1, ::1 \r\n' })
  t.match(await app.apiKeys.list('ann'), [{ allowedIps: ['192.0.2.0/24', '2001:db8::1', '::1'] }])
  for (const [addresses, told] of [
    ['192.0.2.1\r\nhome\r\n10.0.0.0/33', 'This is no IP address or network: home, 10.0.0.0/33'],
    [`${'x'.repeat(60)}`, `This is no IP address or network: ${'x'.repeat(50)} `],
    [Array.from({ length: 101 }, (_, i) => `192.0.2.${i}`).join('\n'), 'Enter at most 100 addresses and networks.']
  ] as const) {
    const page = await post('/keys', { name: 'k', addresses })
    t.equal(page.statusCode, 400)
    t.equal(faulty(page), '[addresses]')
    t.match(textOf(page), told)
    t.match(page.body, '<details class="ak-field ak-more" open>')
    t.match(page.body, `\n${addresses.replaceAll('\r\n', '\n')}</textarea>`)
  }
  t.equal((await app.apiKeys.list('ann')).length, 1)
})

test('of several mistakes the first has the focus, and all that was entered stays', async (t) => {
  const { post } = await buildPages(t, { scopes: SCOPES })
  const page = await post('/keys', { name: '', expiry: 'date', date: '2020-01-01', scopes: 'buckets:write', addresses: 'here' })
  t.equal(faulty(page), '[name] expiry addresses')
  t.equal([...page.body.matchAll(/ autofocus/g)].length, 1)
  t.equal(choices(page), '30d 60d 90d 365d [date] never')
  t.match(page.body, /<input id="ak-date"[^>]* value="2020-01-01"/)
  t.match(page.body, /value="buckets:write" checked>/)
  t.match(page.body, 'here</textarea>')
  t.equal(choices(await post('/keys', { name: '', expiry: 'no such' })), '30d 60d [90d] 365d date never')
})

test('what is allowed may change while the form is open, also at the last moment', async (t) => {
  for (const [change, field, told] of [
    [{ scopes: ['buckets:write'] }, 'scopes', 'A scope that was chosen may not be given.'], [{ scopes: [] }, '', 'A scope that was chosen may not be given.'],
    [{ expiry: { max: '1d' } }, '[expiry]', 'Choose an earlier time']
  ] as const) {
    const { app, post } = await buildPages(t, { scopes: SCOPES })
    const create = app.apiKeys.create.bind(app.apiKeys)
    app.apiKeys.create = async (...args) => {
      await app.apiKeys.profiles.update('ann', change)
      return await create(...args)
    }
    const page = await post('/keys', { name: 'k', scopes: 'buckets:read', expiry: '30d' })
    t.equal(page.statusCode, 400)
    t.equal(faulty(page), field)
    t.match(textOf(page), told)
    t.equal([...page.body.matchAll(/ autofocus/g)].length, 1)
    t.same(await app.apiKeys.list('ann'), [])
  }
})

test('the page of a new key tells when it expires', async (t) => {
  const { post } = await buildPages(t)
  t.match(textOf(await post('/keys', { name: 'k', expiry: '30d' })), 'The key “k” works from now on. It expires 13 Apr 2026 . Secret')
  t.match(textOf(await post('/keys', { name: 'k', expiry: 'never' })), 'works from now on. Secret')
})

test('a form sent after the session ended comes back with all that was entered', async (t) => {
  const { get, post } = await buildPages(t, { scopes: SCOPES, pages: { loginUrl: '/in' } })
  const entered = 'name=k&expiry=date&date=2026-05-01&scopes=buckets%3Aread&scopes=buckets%3Awrite&addresses=%3A%3A1%0A192.0.2.1'
  const back = async (body: string) => {
    const page = await post('/keys', body, null)
    t.equal(page.statusCode, 401)
    return new URL(/href="(\/in[^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? '', 'http://x').searchParams.get('next') ?? ''
  }
  t.equal(await back(`${entered}&nonce=1234567890123456`), `/keys?${entered}`)
  const page = await get(await back(entered))
  t.match(page.body, 'value="k"')
  t.equal(choices(page), '30d 60d 90d 365d [date] never')
  t.match(page.body, 'value="2026-05-01"')
  t.equal([...page.body.matchAll(/ checked/g)].length, 2)
  t.match(page.body, '::1\n192.0.2.1</textarea>')
  t.equal(await back(`name=k&addresses=${'x'.repeat(4001)}`), '/keys?name=k', 'not what is too long for an address')
  t.equal(await back(`name=k&scopes=${'x'.repeat(5000)}`), '/keys?name=k')
})

test('a key made by the form works as the form says', async (t) => {
  const { app, post } = await buildPages(t, { scopes: SCOPES })
  app.get('/read', { config: { apiKey: { scopes: ['buckets:read'] } } }, () => 'read')
  app.get('/write', { config: { apiKey: { scopes: ['buckets:write'] } } }, () => 'written')
  const secret = secretOf(await post('/keys', { name: 'k', scopes: 'buckets:read', addresses: '192.0.2.0/24' }))
  const ask = async (url: string, remoteAddress: string) => (await app.inject({ url, remoteAddress, headers: { 'x-api-authorization': secret } })).statusCode
  t.equal(await ask('/read', '192.0.2.9'), 200)
  t.equal(await ask('/write', '192.0.2.9'), 403)
  t.equal(await ask('/read', '198.51.100.1'), 403)
})
