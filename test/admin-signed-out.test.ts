import type { LightMyRequestResponse } from 'fastify'
import { test } from 'tap'
import { textOf } from './helpers/pages.js'
import { fieldsOf, openProfile, USER, type Fields } from './helpers/profile-form.js'

const KEPT = 'Your session has ended Nothing was changed. Sign in again: what you entered will be there, to be sent once more.'
const FILLED_IN = 'What you entered before is filled in. It is not saved yet.'
const PART = 'Not all of what you entered could be kept'
const LOGIN = { pages: { loginUrl: '/sign-in' } }

/** The page to come back to, which the way to sign in is told. */
function nextOf ({ body }: LightMyRequestResponse): string {
  const link = /href="(\/sign-in[^"]*)"/.exec(body)?.[1] ?? ''
  return new URL(link.replaceAll('&amp;', '&'), 'http://x').searchParams.get('next') ?? ''
}

function toForm (fields: Fields): string {
  return new URLSearchParams(Object.entries(fields).flatMap(([name, values]) => [values].flat().map((value) => [name, value] as [string, string]))).toString()
}

test('what was changed of a profile is there again after signing in, and is saved when it is sent once more', async (t) => {
  const { profiles, form, get, post, send } = await openProfile(t, { maxKeys: 3, scopes: ['read', 'write'] }, { ...LOGIN, scopes: { read: 'Read', write: 'Write' } })
  const before = await profiles.get('ann')
  const entered = { ...await form(), maxKeys: '7', rateLimit: 'own', rateMax: '60', rateWindow: '1m', allowedScopes: ['write'] }
  const sent = await post(USER, toForm(entered), null)
  t.equal(sent.statusCode, 401)
  t.match(textOf(sent), KEPT)
  t.notMatch(textOf(sent), PART)
  t.same(await profiles.get('ann'), before, 'nothing was changed')
  const next = nextOf(sent)
  t.ok(next.startsWith(`${USER}&maxKeys=7&was-maxKeys=3&`))
  t.notMatch(next, 'canUseApi', 'what was not changed is not kept')
  const page = await get(next)
  t.match(textOf(page), FILLED_IN)
  t.same(fieldsOf(page.body), entered)
  t.same(await profiles.get('ann'), before, 'looking saves nothing')
  t.equal((await send(fieldsOf(page.body))).statusCode, 303)
  t.match((await profiles.get('ann'))?.own, { maxKeys: 7, scopes: ['write'], rateLimit: { max: 60, timeWindow: 60_000 } })
})

test('boxes that were all emptied stay empty, and scopes that are a text stay one', async (t) => {
  const boxes = await openProfile(t, { scopes: ['read'] }, { ...LOGIN, scopes: { read: 'Read' } })
  const emptied = await boxes.get(nextOf(await boxes.post(USER, toForm({ ...await boxes.form(), allowedScopes: [] }), null)))
  t.same(fieldsOf(emptied.body)['allowedScopes'], [])
  const text = await openProfile(t, { scopes: ['a', 'b'] }, LOGIN)
  const changed = await text.get(nextOf(await text.post(USER, toForm({ ...await text.form(), allowedScopes: 'b\r\nc' }), null)))
  t.equal(fieldsOf(changed.body)['allowedScopes'], 'b\nc')
})

test('what somebody else changes while an administrator signs in again is not overwritten without asking', async (t) => {
  const { profiles, form, get, post, send } = await openProfile(t, {}, LOGIN)
  const next = nextOf(await post(USER, toForm({ ...await form(), limit: 'own', maxKeys: '7', canMakeKeys: 'no' }), null))
  await profiles.update('ann', { maxKeys: 9, canUseApi: false })
  t.equal((await send(fieldsOf((await get(next)).body))).statusCode, 409)
  t.match((await profiles.get('ann'))?.own, { maxKeys: 9, canMakeKeys: null, canUseApi: false })
})

test('what cannot be kept is said, and no secret is in an address', async (t) => {
  const { app, form, get, post } = await openProfile(t, {}, LOGIN)
  const { key } = await app.apiKeys.create('ann')
  for (const [fields, names] of [
    [{ limit: 'own', maxKeys: key }, ['limit']],
    [{ canUseApi: 'no', allowed: 'own', allowedScopes: Array.from({ length: 100 }, (_, i) => `scope-with-a-long-name-${i}-${'x'.repeat(40)}`).join('\n') }, ['canUseApi']]
  ] as const) {
    const sent = await post(USER, toForm({ ...await form(), ...fields }), null)
    t.match(textOf(sent), `${KEPT} ${PART}`)
    t.notMatch(JSON.stringify([sent.headers, sent.body]), key)
    t.ok(sent.body.length < 10_000)
    const present = await form()
    const shown = fieldsOf((await get(nextOf(sent))).body)
    t.same(Object.keys(shown).filter((name) => shown[name] !== present[name]), names)
  }
})

test('an address that keeps half of it, twice or nothing does no harm, and a profile that is gone is told', async (t) => {
  const { profiles, form, get, post } = await openProfile(t, { maxKeys: 3 }, LOGIN)
  const present = await form()
  for (const query of ['limit=own&limit=none', 'maxKeys=5&limit=own&limit=none', 'was-maxKeys=5', 'keys=ended']) t.same(fieldsOf((await get(`${USER}&${query}`)).body), present)
  t.match(fieldsOf((await get(`${USER}&maxKeys=%22%3E%3Cscript%3E`)).body), { maxKeys: '&quot;&gt;&lt;script&gt;', 'was-maxKeys': '3' })
  t.equal((await get(`${USER}&maxKeys=5`, 'ann')).statusCode, 404, 'to others there is no such page')
  const nothing = await post(USER, { action: 'make' }, null)
  t.match(textOf(nothing), 'Nothing was changed. Sign in again, then repeat what you did.')
  t.equal(nextOf(nothing), USER)
  t.equal(nextOf(await post('/keys/admin/user', {}, null)), '/keys/admin/user')
  await profiles.delete('ann')
  t.match(textOf(await get(`${USER}&maxKeys=5`)), 'This user has no profile')
})

test('what was entered for a new key of a user is there again after signing in', async (t) => {
  const { app, get, post } = await openProfile(t, {}, LOGIN)
  const sent = await post('/keys/admin/keys?user=ann', { name: 'For the server', expiry: '30d', addresses: '::1', nonce: 'x'.repeat(20) }, null)
  t.equal(sent.statusCode, 401)
  t.match(textOf(sent), 'No key was made. Sign in again, then make it.')
  const next = nextOf(sent)
  t.equal(next, `${USER}&name=For%20the%20server&expiry=30d&addresses=%3A%3A1`)
  const { body } = await get(next)
  t.match(body, FILLED_IN)
  t.match(body, 'name="name" value="For the server"')
  t.match(body, '<option value="30d" selected')
  t.match(body, '\n::1</textarea>')
  t.same(await app.apiKeys.list('ann'), [])
  t.equal(nextOf(await post('/keys/admin/keys', { name: '' }, null)), '/keys/admin/user')
})

test('what was entered for a new key of a user is there as well where none can be made', async (t) => {
  const { profiles, get, post } = await openProfile(t, { maxKeys: 0 }, LOGIN)
  const full = 'this user holds as many as the limit allows: 0.'
  const refused = await post('/keys/admin/keys?user=ann', { name: 'For the server', expiry: '30d' })
  t.equal(refused.statusCode, 409)
  t.match(textOf(refused), full)
  t.match(refused.body, 'name="name" value="For the server"')
  t.match((await get(`${USER}&name=k`)).body, 'name="name" value="k"')
  const plain = await get(USER)
  t.match(textOf(plain), full)
  t.notMatch(plain.body, 'id="ak-name"')
  await profiles.update('ann', { maxKeys: 1 })
  t.equal((await post('/keys/admin/keys?user=ann', { name: 'For the server' })).statusCode, 200)
})

test('why all keys are to be revoked is there again after signing in', async (t) => {
  const { app, get, post } = await openProfile(t, {}, LOGIN)
  await app.apiKeys.create('ann')
  const sent = await post('/keys/admin/revoke-all?user=ann', { reason: 'left & gone' }, null)
  t.match(textOf(sent), KEPT)
  t.equal(nextOf(sent), '/keys/admin/revoke-all?user=ann&reason=left%20%26%20gone')
  t.match((await get(nextOf(sent))).body, 'name="reason" dir="auto" value="left &amp; gone"')
  t.same(await app.apiKeys.count('ann'), { live: 1, dead: 0 })
  const without = await post('/keys/admin/revoke-all', {}, null)
  t.match(textOf(without), 'Nothing was changed. Sign in again, then repeat what you did.')
  t.equal(nextOf(without), '/keys/admin/revoke-all')
})

test('a found key is kept nowhere', async (t) => {
  const { app, post } = await openProfile(t, {}, LOGIN)
  const { key } = await app.apiKeys.create('ann')
  const sent = await post('/keys/admin/identify', { secret: key }, null)
  t.notMatch(JSON.stringify([sent.headers, sent.body]), key.slice(0, 20))
  t.equal(nextOf(sent), '/keys/admin/identify')
})
