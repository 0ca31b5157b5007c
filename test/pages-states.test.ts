import { test } from 'tap'
import { DAY } from './helpers/app.js'
import { buildPages, NOW, textOf } from './helpers/pages.js'

test('the list tells live keys, disabled ones among them, from those that have ended', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now, maxKeys: 5 })
  for (const name of ['plain', 'off', 'old', 'dead']) await app.apiKeys.create('ann', { name, ...(name === 'old' && { expiresIn: '1d' }) })
  const [dead, , off] = await app.apiKeys.list('ann')
  await app.apiKeys.update(String(off?.id), { enabled: false })
  await app.apiKeys.revoke(String(dead?.id))
  t.match(textOf(await get('/keys')), 'Keys held: 3 of 5.')
  t.match(textOf(await get('/keys')), 'Revoked and expired keys 1')
  now += DAY
  const live = textOf(await get('/keys'))
  const ended = textOf(await get('/keys?show=ended'))
  t.match(live, 'Keys held: 2 of 5.')
  t.match(live, /off \S+ Disabled .* Revoke the key off/)
  t.match(live, /plain \S+ Active .* Revoke the key plain/)
  t.match(ended, /dead \S+ Revoked .* yesterday/)
  t.match(ended, /old \S+ Expired .* just now/)
  t.notMatch(ended, 'Revoke the key')
})

test('room that expired keys made can be used on the page', async (t) => {
  let now = NOW
  const { app, get, post } = await buildPages(t, { now: () => now, maxKeys: 1, expiry: { default: '1d' } })
  await app.apiKeys.create('ann')
  t.match(textOf(await get('/keys')), 'You hold the 1 API key that you may have.')
  now += DAY
  t.equal((await post('/keys', { name: 'next' })).statusCode, 200)
  t.match(await app.apiKeys.list('ann'), [{ name: 'next', expiresAt: new Date(NOW + 2 * DAY) }, { state: 'expired' }])
})

test('somebody whose group may make no keys is told so', async (t) => {
  const { app, get, post } = await buildPages(t, { groups: { closed: { canMakeKeys: false } } })
  await app.apiKeys.profiles.create('ann', { group: 'closed' })
  t.match(textOf(await get('/keys')), 'You may not make API keys.')
  t.equal((await post('/keys', { name: 'x' })).statusCode, 403)
})
