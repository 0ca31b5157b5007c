import { test } from 'tap'
import { buildAdmin } from './helpers/admin.js'

const MOST = 60_000

test('with 1,000 profiles, and a user of 1,000 keys, no page is larger than 60 KB', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  const user = 'https://accounts.example.com/organisations/4711/people/maria'
  await app.apiKeys.createMany(Array.from({ length: 1_000 }, (_, i) => ({ userId: `https://accounts.example.com/organisations/4711/people/${i}` })))
  const keys = await app.apiKeys.createMany(Array.from({ length: 1_000 }, (_, i) => ({
    userId: user, name: `The nightly export to the warehouse, run number ${i}`, expiresIn: '10d', scopes: ['photos:read', 'photos:write', 'albums:read', 'albums:write']
  })), { actor: user, ip: '2001:db8:0:1234::567:8abc' })
  for (const { id, key } of keys.slice(-100)) {
    await app.apiKeys.verify(key, { ip: '2001:db8:0:1234::567:8abc' })
    if (Number(id.charCodeAt(id.length - 1)) % 3 === 0) await app.apiKeys.revoke(id, { reason: 'no longer needed by anybody' }, { actor: 'root', ip: '2001:db8:0:1234::567:8abc' })
  }
  await app.apiKeys.flush()
  await app.apiKeys.usage(String(keys[0]?.id))
  const address = `/keys/admin/user?id=${encodeURIComponent(user)}`
  for (const [what, page] of [
    ['all users', await get('/keys/admin')], ['a search', await get('/keys/admin?q=https')], ['live keys', await get(address)], ['ended keys', await get(`${address}&keys=ended`)],
    ['revoking all', await get(`/keys/admin/revoke-all?user=${encodeURIComponent(user)}`)], ['a found key', await post('/keys/admin/identify', { secret: String(keys[0]?.key) })]
  ] as const) {
    t.equal(page.statusCode, 200)
    t.ok(page.body.length < MOST, `${what}: ${page.body.length}`)
  }
})
