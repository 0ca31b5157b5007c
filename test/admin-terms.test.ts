import Database from 'better-sqlite3'
import { test, type Test } from 'tap'
import type { ApiKeyOptions, ProfileOptions } from '../lib/index.js'
import { internalsOf } from '../lib/keys/service.js'
import { DAY, HEADER } from './helpers/app.js'
import { secretOf, textOf } from './helpers/pages.js'
import { fieldsOf, openProfile, USER } from './helpers/profile-form.js'

/*
 * What an administrator sets of a profile's scopes, expiry, rate limit and quota.
 */

const OPTIONS: ApiKeyOptions = {
  scopes: { read: 'See photos', write: 'Change photos', share: 'Share albums', pay: 'Pay bills' },
  expiry: { default: '30d', max: '1y' },
  rateLimit: { max: 100, timeWindow: '1m' },
  groups: {
    partners: { scopes: ['read', 'write'], expiry: { default: false, max: false }, rateLimit: false, quota: { max: 10_000, every: '30d' } },
    trial: { scopes: [], quota: { max: 1 } },
    all: { scopes: ['pay', 'share', 'read', 'write'] }
  }
}

const open = (t: Test, profile: ProfileOptions = {}, options = OPTIONS) => openProfile(t, profile, options)

test('the form shows what the profile says itself, and what holds where it says nothing', async (t) => {
  const { get, form, profiles } = await open(t)
  const silent = {
    allowed: 'inherit', allowedScopes: [], expiryDefault: 'inherit', defaultLife: '', expiryMax: 'inherit', maxLife: '', rateLimit: 'inherit', rateMax: '', rateWindow: '', quota: 'inherit', quotaMax: '', quotaEvery: ''
  }
  t.match(await form(), silent)
  const shown = async () => textOf(await get(USER))
  t.match(await shown(), /Keys live for By default: 30 days .*Keys live at most By default: 1 year .*Rate limit By default: 100 requests in 1 minute .*Quota By default: none .*Allowed scopes By default: all none/)
  await profiles.update('ann', { group: 'partners' })
  t.match(await form(), silent)
  t.match(await shown(), /Keys live for By group: without end .*Keys live at most By group: without end .*Rate limit By group: none .*Quota By group: 10,000 uses in 30 days .*Allowed scopes By group: read, write none/)
  await profiles.update('ann', { group: 'trial' })
  t.match(await shown(), /Quota By group: 1 use in total .*Allowed scopes By group: none none/)
  await profiles.update('ann', { group: 'all' })
  t.match(await shown(), 'Allowed scopes By group: all none')

  await profiles.update('ann', { scopes: ['write', 'read'], expiry: { default: '36h', max: '2y' }, rateLimit: { max: 5, timeWindow: 1500 }, quota: { max: 7, every: '2w' } })
  t.match(await form(), {
    allowed: 'own', allowedScopes: ['read', 'write'], expiryDefault: 'own', defaultLife: '36h', expiryMax: 'own', maxLife: '2y', rateLimit: 'own', rateMax: '5', rateWindow: '1500ms', quota: 'every', quotaMax: '7', quotaEvery: '14d'
  })
  await profiles.update('ann', { scopes: [], expiry: { default: false, max: false }, rateLimit: false, quota: { max: 3 } })
  t.match(await form(), { allowed: 'none', expiryDefault: 'none', expiryMax: 'none', rateLimit: 'none', quota: 'total', quotaMax: '3', quotaEvery: '' })
  await profiles.update('ann', { quota: false })
  t.match(await form(), { quota: 'none', quotaMax: '' })
})

test('how long keys live is told as it comes about, which is never longer than they may', async (t) => {
  const { app, get, profiles } = await open(t, {}, { expiry: { max: '1y' }, groups: { monthly: { expiry: { default: '30d' } } } })
  const told = async () => /In effect .*(Keys live for .*) Rate limit/.exec(textOf(await get(USER)).split(' Profile Group ')[0] ?? '')?.[1]
  const { createdAt, expiresAt } = await app.apiKeys.create('ann')
  t.equal(Number(expiresAt) - Number(createdAt), 365 * DAY)
  t.equal(await told(), 'Keys live for 1 year Keys live at most 1 year')
  t.match(textOf(await get(USER)), 'Keys live for By default: 1 year ')
  await profiles.update('ann', { group: 'monthly', expiry: { max: '10d' } })
  t.equal(await told(), 'Keys live for 10 days Keys live at most 10 days')
  await profiles.update('ann', { expiry: { max: '60d' } })
  t.equal(await told(), 'Keys live for 30 days Keys live at most 60 days')
  await profiles.update('ann', { group: null, expiry: { max: false } })
  t.equal(await told(), 'Keys live for without end Keys live at most without end')
})

test('of many scopes that a group allows, the first are named', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const { get } = await open(t, { group: 'most' }, { scopes: Object.fromEntries(names.map((name) => [name, name])), groups: { most: { scopes: names.slice(0, 5) } } })
  t.match(textOf(await get(USER)), 'By group: a, b, c and 2 more')
})

test('each can be set, and taken back, and is in the history with who did it', async (t) => {
  const { get, send, form, profiles } = await open(t)
  for (const [fields, own, told] of [
    [{ allowed: 'own', allowedScopes: ['read', 'share'] }, { scopes: ['read', 'share'] }, 'Scopes: the default → read, share'],
    [{ allowedScopes: ['read'] }, { scopes: ['read'] }, 'Scopes: read, share → read'],
    [{ allowed: 'none' }, { scopes: [] }, 'Scopes: read → nothing'],
    [{ allowed: 'inherit' }, { scopes: null }, 'Scopes: nothing → the default'],
    [{ expiryDefault: 'own', defaultLife: ' 90 days ' }, { expiry: { default: 90 * DAY, max: null } }, 'Keys expire after: the default → 90 days'],
    [{ expiryMax: 'own', maxLife: '180d' }, { expiry: { default: 90 * DAY, max: 180 * DAY } }, 'Keys expire at the latest after: the default → 180 days'],
    [{ expiryMax: 'none' }, { expiry: { default: 90 * DAY, max: false } }, 'Keys expire at the latest after: 180 days → without end'],
    [{ expiryDefault: 'none' }, { expiry: { default: false, max: false } }, 'Keys expire after: 90 days → without end'],
    [{ expiryDefault: 'inherit', expiryMax: 'inherit' }, { expiry: { default: null, max: null } }, 'Keys expire after: without end → the default'],
    [{ rateLimit: 'own', rateMax: '60', rateWindow: '1m' }, { rateLimit: { max: 60, timeWindow: 60_000 } }, 'Rate limit: the default → 60 requests in 1 minute'],
    [{ rateMax: '61' }, { rateLimit: { max: 61, timeWindow: 60_000 } }, 'Rate limit: 60 → 61'],
    [{ rateWindow: '1h' }, { rateLimit: { max: 61, timeWindow: 3_600_000 } }, 'Rate limit counts within: 1 minute → 1 hour'],
    [{ rateLimit: 'none' }, { rateLimit: false }, 'Rate limit: 61 requests in 1 hour → no limit'],
    [{ rateLimit: 'inherit' }, { rateLimit: null }, 'Rate limit: no limit → the default'],
    [{ quota: 'total', quotaMax: '2' }, { quota: { max: 2, every: null } }, 'Quota: the default → 2 uses in total'],
    [{ quota: 'every', quotaEvery: '1d' }, { quota: { max: 2, every: DAY } }, 'Quota begins anew every: in total → 1 day'],
    [{ quotaMax: '3' }, { quota: { max: 3, every: DAY } }, 'Quota: 2 → 3'],
    [{ quota: 'total' }, { quota: { max: 3, every: null } }, 'Quota begins anew every: 1 day → in total'],
    [{ quota: 'none' }, { quota: false }, 'Quota: 3 uses in total → no limit'],
    [{ quota: 'inherit', canUseApi: 'no' }, { quota: null, canUseApi: false }, 'Keys are accepted: the default → no Quota: no limit → the default']
  ] as const) {
    const answer = await send({ ...await form(), ...fields })
    t.equal(answer.headers.location, `${USER}&done=saved`, told)
    t.match(await profiles.get('ann'), { own }, told)
    const page = textOf(await get(USER))
    t.match(page.slice(page.indexOf('History')), `History Profile changed by you from 127.0.0.1 just now ${told}`)
  }
})

test('what the service understands can be entered, and without the parts that a script leaves out', async (t) => {
  const { send, profiles } = await open(t)
  await send({ rateLimit: 'own', rateMax: ' 007 ', rateWindow: '1500ms', quota: 'none', expiryMax: 'own', maxLife: '2 weeks' })
  t.match(await profiles.get('ann'), { own: { rateLimit: { max: 7, timeWindow: 1500 }, quota: false, expiry: { default: null, max: 14 * DAY } } })
  await send({ rateLimit: 'inherit', allowed: 'own', allowedScopes: ['pay'] })
  t.match(await profiles.get('ann'), { own: { rateLimit: null, quota: false, scopes: ['pay'] } })
})

test('keys that are made afterwards, and those that there are, obey it', async (t) => {
  const { app, send, form, post } = await open(t)
  app.get('/write', { config: { apiKey: { scopes: ['write'] } } }, async () => 'written')
  const ask = (key: string, url = '/') => app.inject({ url, headers: { [HEADER]: key } })
  app.get('/', async () => 'read')
  const { key: older } = await app.apiKeys.create('ann', { scopes: ['read', 'write'] })
  t.equal((await ask(older, '/write')).statusCode, 200)
  await send({
    ...await form(), allowed: 'own', allowedScopes: ['read'], expiryDefault: 'own', defaultLife: '2d', expiryMax: 'own', maxLife: '3d', rateLimit: 'own', rateMax: '3', rateWindow: '1h', quota: 'total', quotaMax: '2'
  })
  t.equal((await ask(older, '/write')).json().code, 'FST_API_KEY_INSUFFICIENT_SCOPE')
  t.equal((await post('/keys/admin/keys?user=ann', { name: 'more', scopes: 'write' })).statusCode, 400)
  t.equal((await post('/keys/admin/keys?user=ann', { name: 'later', expiry: 'date', date: '2026-03-18' })).statusCode, 400)
  const key = secretOf(await post('/keys/admin/keys?user=ann', { name: 'new', scopes: 'read' }))
  t.equal((await ask(key)).headers['ratelimit-limit'], '3')
  t.match(await app.apiKeys.list('ann'), [{ name: 'new', expiresAt: new Date('2026-03-16T12:00:00Z'), quota: { max: 2, every: null } }])
  t.equal((await ask(key)).statusCode, 200)
  t.equal((await ask(key)).json().code, 'FST_API_KEY_QUOTA_EXCEEDED')
  t.equal((await ask(key)).json().code, 'FST_API_KEY_RATE_LIMIT_EXCEEDED')
})

test('what is wrong is told at its field, which has the focus; nothing is saved, and what was entered is there still', async (t) => {
  const { send, form, profiles } = await open(t)
  const count = 'Enter a whole number from 1 to 1,000,000,000.'
  const life = 'Enter a number with a unit, such as 12h, 90d or 1y, up to 100 years.'
  const window = 'Enter a number with a unit, such as 10s, 1m or 24h, from 1 second to 31 days.'
  const period = 'Enter a number with a unit, such as 1h, 1d, 7d or 30d, from 1 second to 100 years.'
  const unused = (field: string, choice: string) => `Something is entered under “${field}”. To use it, choose “${choice}”; or else empty it.`
  for (const [fields, field, message] of [
    [{ expiryDefault: 'own' }, 'defaultLife', 'Enter how long keys live.'],
    ...['90', 'soon', '0d', '1.5d', '101y', '1 month'].map((defaultLife) => [{ expiryDefault: 'own', defaultLife }, 'defaultLife', life] as const),
    [{ expiryMax: 'own', maxLife: ' ' }, 'maxLife', 'Enter how long keys live.'], [{ expiryMax: 'own', maxLife: '-1d' }, 'maxLife', life],
    [{ expiryDefault: 'own', defaultLife: '91d', expiryMax: 'own', maxLife: '90d' }, 'defaultLife', 'Keys would live longer than they may at most.'],
    [{ expiryDefault: 'none', expiryMax: 'own', maxLife: '90d' }, 'expiryDefault', 'Keys would live longer than they may at most.'],
    [{ rateLimit: 'own', rateWindow: '1m' }, 'rateMax', 'Enter how many requests there may be.'], [{ rateLimit: 'own', rateMax: '5' }, 'rateWindow', 'Enter within which time they are counted.'],
    ...['0', '-1', '1.5', '1e3', '0x10', '1,000', 'many', '1000000001'].map((rateMax) => [{ rateLimit: 'own', rateMax, rateWindow: '1m' }, 'rateMax', count] as const),
    ...['60', '999ms', '32d', 'soon'].map((rateWindow) => [{ rateLimit: 'own', rateMax: '5', rateWindow }, 'rateWindow', window] as const),
    [{ quota: 'every', quotaEvery: '1d' }, 'quotaMax', 'Enter how many uses there may be.'], [{ quota: 'total' }, 'quotaMax', 'Enter how many uses there may be.'],
    [{ quota: 'every', quotaMax: '5' }, 'quotaEvery', 'Enter after which time the quota begins anew.'],
    [{ quota: 'total', quotaMax: '0' }, 'quotaMax', count], [{ quota: 'every', quotaMax: '5', quotaEvery: '0.5s' }, 'quotaEvery', period], [{ quota: 'every', quotaMax: '5', quotaEvery: '101y' }, 'quotaEvery', period],
    [{ rateMax: '5' }, 'rateLimit', unused('Requests of each key', 'A limit of its own')], [{ rateLimit: 'none', rateWindow: '1m' }, 'rateLimit', unused('Within', 'A limit of its own')],
    [{ quota: 'none', quotaMax: '5' }, 'quota', unused('Uses of each key', 'Its own in each period')], [{ quota: 'total', quotaMax: '5', quotaEvery: '1d' }, 'quota', unused('In each', 'Its own in each period')],
    [{ maxLife: '1d' }, 'expiryMax', unused('Longest lifetime', 'A time of its own')], [{ allowed: 'none', allowedScopes: ['read'] }, 'allowed', unused('Scopes of its own', 'These alone')],
    ...['allowed', 'expiryDefault', 'expiryMax', 'rateLimit', 'quota'].flatMap((name) => ['', 'some', 'constructor'].map((value) => [{ [name]: value }, name, 'Choose one of these.'] as const))
  ] as const) {
    const page = await send({ ...await form(), canUseApi: 'no', ...fields })
    t.equal(page.statusCode, 400, message)
    t.match(textOf(page), `⚠ ${message}`)
    t.match(page.body, new RegExp(`<(input|select) id="ak-${field}"[^>]* aria-describedby="[^"]*ak-${field}-error" aria-invalid="true" autofocus>`), field)
    t.match(page.body, new RegExp(`<p class="ak-field-error" id="ak-${field}-error">`))
    t.equal(page.body.split('ak-field-error').length, 2, 'one mistake is told once')
    const kept = Object.fromEntries(Object.entries<unknown>(fields).map(([name, value]) => [name, typeof value === 'string' ? value.trim() : value]))
    t.match(fieldsOf(page.body), { canUseApi: 'no', 'was-canUseApi': 'inherit', ...(message !== 'Choose one of these.' && kept) })
  }
  t.same((await profiles.get('ann'))?.own, { maxKeys: null, scopes: null, expiry: { default: null, max: null }, rateLimit: null, quota: null, canUseApi: null, canMakeKeys: null })
})

test('several mistakes are told at once', async (t) => {
  const { send, form } = await open(t)
  const { body } = await send({ ...await form(), allowed: 'own', expiryMax: 'own', maxLife: 'x', rateLimit: 'own', rateMax: 'y', rateWindow: 'z', quota: 'every' })
  t.same(Array.from(body.matchAll(/class="ak-field-error" id="ak-(\w+)-error"/g), ([, field]) => field), ['maxLife', 'rateMax', 'rateWindow', 'quotaMax', 'quotaEvery', 'allowedScopes'])
})

test('a time by default is compared with the longest that the profile has, whichever of the two is changed', async (t) => {
  const { send, form, profiles } = await open(t, { expiry: { default: '90d', max: '1y' } })
  const shorter = await send({ ...await form(), maxLife: '30d' })
  t.equal(shorter.statusCode, 400)
  t.match(shorter.body, /<input id="ak-defaultLife"[^>]* aria-invalid="true"/)
  t.equal((await send({ ...await form(), defaultLife: '2y' })).statusCode, 400)
  const unknown = textOf(await send({ ...await form(), expiryDefault: 'some', maxLife: '30d' }))
  t.match(unknown, '⚠ Choose one of these.')
  t.notMatch(unknown, 'Keys would live longer')
  t.equal((await send({ ...await form(), defaultLife: '20d', maxLife: '30d' })).statusCode, 303)
  t.match(await profiles.get('ann'), { own: { expiry: { default: 20 * DAY, max: 30 * DAY } } })
})

test('boxes are there for the scopes that are declared, of which one at least is to be ticked', async (t) => {
  const { get, send, form, profiles } = await open(t, { scopes: ['read', 'pay'] })
  t.match(textOf(await get(USER)), 'These alone Scopes of its own read See photos write Change photos share Share albums pay Pay bills')
  const { allowedScopes, ...unticked } = await form()
  t.same(allowedScopes, ['read', 'pay'])
  const page = await send(unticked)
  t.equal(page.statusCode, 400)
  t.match(textOf(page), '⚠ Name at least one scope, or choose “none” above.')
  t.match(page.body, /<fieldset class="ak-field"[^>]* aria-describedby="ak-allowedScopes-error">/)
  t.match(page.body, /name="allowedScopes" value="read" autofocus>/)
  t.same(fieldsOf(page.body)['allowedScopes'], [])
  for (const scopes of [['fly'], ['read', 'read'], ['read fly']]) {
    const wrong = await send({ ...await form(), allowedScopes: scopes })
    t.equal(wrong.statusCode, 400)
    t.match(textOf(wrong), '⚠ Use different scopes, 100 at most')
  }
  t.match(await profiles.get('ann'), { own: { scopes: ['read', 'pay'] } })
})

test('a scope that is not declared any more has no box, stays while nobody changes the scopes, and then goes', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  await open(t, { scopes: ['fly', 'read'] }, { database, scopes: { read: 'See photos', fly: 'Fly' } })
  const { send, form, profiles } = await open(t, {}, { ...OPTIONS, database })
  t.match(await form(), { allowed: 'own', allowedScopes: ['read'] })
  await send({ ...await form(), canUseApi: 'no' })
  t.match(await profiles.get('ann'), { own: { scopes: ['fly', 'read'], canUseApi: false } })
  await send({ ...await form(), allowedScopes: ['read', 'write'] })
  t.same((await profiles.get('ann'))?.own.scopes, ['read', 'write'])
})

test('where no scopes are declared they are a text, one on each line or with commas in between', async (t) => {
  const { get, send, form, profiles } = await open(t, { scopes: ['a,b', 'c'] }, {})
  t.equal((await form())['allowedScopes'], 'a,b\nc')
  t.match(textOf(await get(USER)), 'Scopes of its own a,b c One on each line, or with commas in between.')
  await send({ ...await form(), allowedScopes: 'a,b\n\n d, e,f\n"' })
  t.same((await profiles.get('ann'))?.own.scopes, ['a,b', 'c'], 'a quote is no scope')
  const page = await send({ ...await form(), allowedScopes: 'read, read' })
  t.match(page.body, /<textarea id="ak-allowedScopes"[^>]* aria-describedby="ak-allowedScopes-hint ak-allowedScopes-error" aria-invalid="true" autofocus>\nread\nread<\/textarea>/)
  await send({ ...await form(), allowedScopes: 'a,b\n\n d, e,f' })
  t.same((await profiles.get('ann'))?.own.scopes, ['a,b', 'd', 'e', 'f'])
  t.equal((await send({ ...await form(), allowedScopes: ' \n,' })).statusCode, 400)
  await send({ allowed: 'none' })
  t.same((await profiles.get('ann'))?.own.scopes, [])
})

test('the form is large enough for all scopes that a profile may have, twice', async (t) => {
  const scopes = (sign: string) => Array.from({ length: 100 }, (_, i) => sign.repeat(97) + String(i).padStart(3, '0'))
  const { send, form, profiles } = await open(t, { scopes: scopes('%') }, {})
  t.equal((await send({ ...await form(), allowedScopes: scopes('/').join('\n') })).statusCode, 303)
  t.same((await profiles.get('ann'))?.own.scopes, scopes('/'))
})

test('who changes what somebody else changed meanwhile is told so, and decides', async (t) => {
  const { send, form, profiles } = await open(t, { rateLimit: { max: 10, timeWindow: '1m' } })
  const [one, two, three] = [await form(), await form(), await form()]
  await send({ ...one, rateWindow: '1h' })
  const page = await send({ ...two, rateMax: '20', canUseApi: 'no' })
  t.equal(page.statusCode, 409)
  t.match(page.body, /<select id="ak-rateLimit" name="rateLimit" aria-describedby="ak-rateLimit-error" aria-invalid="true" autofocus>/)
  t.match(textOf(page), '⚠ Somebody else changed this meanwhile: see the history below. Save again to have it as it stands here.')
  t.match(await profiles.get('ann'), { own: { rateLimit: { max: 10, timeWindow: 3_600_000 }, canUseApi: null } })
  t.match(fieldsOf(page.body), { rateMax: '20', rateWindow: '1m', 'was-rateWindow': '1h', canUseApi: 'no', 'was-canUseApi': 'inherit' })
  t.equal((await send(fieldsOf(page.body))).statusCode, 303)
  t.match(await profiles.get('ann'), { own: { rateLimit: { max: 20, timeWindow: 60_000 }, canUseApi: false } })

  t.equal((await send({ ...three, rateMax: '20' })).statusCode, 303, 'the same again is no conflict')
  t.equal((await send({ ...three, quota: 'total', quotaMax: '5' })).statusCode, 303, 'nor is something else')
  t.match(await profiles.get('ann'), { own: { rateLimit: { max: 20 }, quota: { max: 5 } } })
  const none = { ...await form(), rateLimit: 'none' }
  t.equal((await send(none)).statusCode, 303)
  t.equal((await send(none)).headers.location, `${USER}&done=saved`, 'nor is the same form, sent twice')
  t.equal((await send({ ...none, rateLimit: 'inherit' })).statusCode, 409)
  await profiles.update('ann', { group: 'trial' })
  t.equal((await send({ ...three, group: 'partners' })).statusCode, 409)
})

test('half a limit, which SQL can leave, is shown by half and can be put right', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const { send, form, profiles } = await open(t, { quota: { max: 5, every: '1d' } }, { ...OPTIONS, database })
  database.exec('UPDATE api_key_profiles SET rate_max = 5, rate_window = NULL, quota_max = NULL')
  t.match(await form(), { rateLimit: 'own', rateMax: '5', rateWindow: '', quota: 'every', quotaMax: '', quotaEvery: '1d' })
  t.equal((await send({ ...await form(), canUseApi: 'yes' })).statusCode, 303)
  t.equal((await send({ ...await form(), rateMax: '6' })).statusCode, 400)
  await send({ ...await form(), rateWindow: '1m', quotaMax: '7' })
  t.match(await profiles.get('ann'), { own: { rateLimit: { max: 5, timeWindow: 60_000 }, quota: { max: 7, every: DAY } } })
})

test('nobody else sets it, and no other site does', async (t) => {
  const { post, profiles } = await open(t)
  const fields = { rateLimit: 'none', quota: 'none', allowed: 'none' }
  t.equal((await post(USER, fields, 'ann')).statusCode, 404)
  t.equal((await post(USER, fields, 'root', { 'sec-fetch-site': 'cross-site' })).statusCode, 403)
  t.match(await profiles.get('ann'), { own: { scopes: null, rateLimit: null, quota: null } })
})

test('an own rate limit is offered only where something counts it, or where there is one already', async (t) => {
  const isOffered = async (t: Test, profile: ProfileOptions, isCounted: boolean) => {
    const { app, get } = await openProfile(t, profile)
    if (!isCounted) internalsOf(app.apiKeys).countsRates = () => false
    return /<select [^>]*name="rateLimit"[^]*?<\/select>/.exec((await get(USER)).body)?.[0].includes('value="own"')
  }
  t.equal(await isOffered(t, {}, true), true)
  t.equal(await isOffered(t, {}, false), false)
  t.equal(await isOffered(t, { rateLimit: { max: 1, timeWindow: '1m' } }, false), true)
})
