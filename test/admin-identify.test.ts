import { test } from 'tap'
import { internalsOf } from '../lib/keys/service.js'
import { buildAdmin } from './helpers/admin.js'
import { HOUR } from './helpers/app.js'
import { attribute, textOf } from './helpers/pages.js'

const BOX = /<input id="ak-found"[^>]*>/

test('a found key is told whose it is, in what state, and can be revoked from there', async (t) => {
  const { app, get, post, tick } = await buildAdmin(t)
  const { id, key } = await app.apiKeys.create('maria & co', { name: 'Backup' })
  await app.apiKeys.verify(key, { ip: '192.0.2.7' })
  tick(2 * HOUR)
  const before = await app.apiKeys.get(id)
  const page = await post('/keys/admin/identify', { secret: key })
  t.equal(page.statusCode, 200)
  t.match(textOf(page), 'This key belongs to maria & co Requests with it are accepted.')
  t.match(textOf(page), 'User maria & co Name Backup State Active Created 2 hours ago Last used 2 hours ago From 192.0.2.7 Revoke this key… Show the user')
  t.match(page.body, `href="/keys/${id}/revoke"`)
  t.match(page.body, 'href="/keys/admin/user?id=maria%20%26%20co"')
  t.equal((await get(`/keys/${id}/revoke`)).statusCode, 200)
  t.same(await app.apiKeys.get(id), before, 'asking is no use of the key')
  t.equal((await app.apiKeys.history({ keyId: id })).entries.length, 1, 'and no change')
})

test('the answer never repeats what was pasted, and the box asks browsers not to keep it', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  const { key } = await app.apiKeys.create('ann')
  for (const secret of [key, `Bearer ${key}`, `${key.slice(0, -1)}!`, 'hunter2-hunter2']) {
    const page = await post('/keys/admin/identify', { secret })
    t.notMatch(page.body, secret.slice(10))
    t.equal(page.headers['cache-control'], 'no-store')
    t.equal(attribute(page, BOX, 'value'), undefined)
  }
  const page = await get('/keys/admin?secret=hunter2-hunter2')
  t.notMatch(page.body, 'hunter2')
  t.equal(attribute(page, BOX, 'autocomplete'), 'off')
  t.match(page.body, '<form method="post" action="/keys/admin/identify" autocomplete="off"')
})

test('a secret is nowhere in the log, nor in an error', async (t) => {
  const lines: string[] = []
  const { app, post } = await buildAdmin(t, {}, { logger: { level: 'trace', stream: { write: (line: string) => { lines.push(line) } } } })
  const { key } = await app.apiKeys.create('ann')
  await post('/keys/admin/identify', { secret: key })
  await post('/keys/admin/identify', `secret=${key}&secret=${key}`)
  await internalsOf(app.apiKeys).close()
  const failed = await post('/keys/admin/identify', { secret: key })
  t.equal(failed.statusCode, 503)
  t.notMatch(failed.body, key.slice(8))
  t.ok(lines.length > 0)
  t.notMatch(lines.join(), key.slice(8))
})

test('it may be pasted as it was found', async (t) => {
  const { app, post } = await buildAdmin(t)
  const { key } = await app.apiKeys.create('ann')
  for (const pasted of [
    `  ${key} \t`, `"${key}"`, `'${key}'`, `“${key}”`, `\`${key}\``, `Bearer ${key}`, `bearer   ${key}`, ` "Bearer ${key}" `, `Authorization: Bearer ${key}`,
    `X-Api-Authorization: ${key}`, `'X-Api-Authorization:${key}'`, `"${key}`, `\n${key}\r\n`, `Authorization: "${key}"`
  ]) t.match(textOf(await post('/keys/admin/identify', { secret: pasted })), 'This key belongs to ann', pasted)
})

test('a secret that there is not is said to be unknown, and one that cannot be a key to be incomplete', async (t) => {
  const { app, post } = await buildAdmin(t)
  const { key, id } = await app.apiKeys.create('ann')
  await app.apiKeys.rotate(id)
  await app.apiKeys.rotate(id)
  const unknown = await post('/keys/admin/identify', { secret: key })
  t.equal(unknown.statusCode, 200)
  t.match(textOf(unknown), 'No key has this secret It has the form of a key, but there is none with this secret')
  t.match(unknown.body, '<title>No key has this secret</title>')
  for (const secret of [key.slice(0, -3), 'Bearer', 'x'.repeat(16_000)]) {
    t.match(textOf(await post('/keys/admin/identify', { secret })), 'No key has this secret It has not the form of a key.')
  }
})

test('a secret that a rotation replaced is found, and said to be that, while it works and after', async (t) => {
  const { app, post, tick } = await buildAdmin(t)
  const { key: old, id } = await app.apiKeys.create('ann', { name: 'Backup' })
  const { key } = await app.apiKeys.rotate(id, { overlap: '3h' })
  tick(HOUR)
  t.match(textOf(await post('/keys/admin/identify', { secret: old })), /Requests with it are accepted\. This secret was replaced by a new one, and works beside it for a while\..*Secret ends in 2 hours/)
  t.notMatch(textOf(await post('/keys/admin/identify', { secret: key })), 'replaced', 'the new one was not')
  tick(2 * HOUR)
  const over = textOf(await post('/keys/admin/identify', { secret: old }))
  t.match(over, /Requests with it are refused\. This secret was replaced by a new one and does not work any more\. With the new one, the key lives on\..*State Active Secret ended just now/)
  t.match(over, 'Revoke this key…')
})

test('of a replaced secret it is not said that it works, or that the new one does, where the key is refused', async (t) => {
  const { app, post, tick } = await buildAdmin(t)
  const rotated = async (userId: string) => {
    const { id, key } = await app.apiKeys.create(userId)
    await app.apiKeys.rotate(id, { overlap: '24h' })
    return { id, key }
  }
  const [revoked, disabled, expired, forbidden] = [await rotated('ann'), await rotated('ann'), await rotated('ann'), await rotated('bob')]
  await app.apiKeys.revoke(revoked.id)
  await app.apiKeys.update(disabled.id, { enabled: false })
  await app.apiKeys.update(expired.id, { expiresIn: '1h' })
  await app.apiKeys.profiles.update('bob', { canUseApi: false })
  for (const hours of [2, 48]) {
    tick(hours * HOUR)
    for (const { key } of [revoked, disabled, expired, forbidden]) {
      const text = textOf(await post('/keys/admin/identify', { secret: key }))
      t.match(text, /Requests with it are refused\. (None of the user’s keys is accepted at the moment\. )?This secret was replaced by a new one\. User/)
      t.notMatch(text, /works beside|lives on|Secret end/)
    }
  }
})

test('a key that is dead is told to be, and only a revoked one cannot be revoked', async (t) => {
  const { app, post, tick } = await buildAdmin(t)
  const [revoked, disabled, expired] = await app.apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann' }, { userId: 'ann', expiresIn: '1h' }])
  await app.apiKeys.revoke(String(revoked?.id))
  await app.apiKeys.update(String(disabled?.id), { enabled: false })
  tick(2 * HOUR)
  for (const [key, state, offersRevoking] of [[revoked, 'Revoked', false], [disabled, 'Disabled', true], [expired, 'Expired', true]] as const) {
    const text = textOf(await post('/keys/admin/identify', { secret: String(key?.key) }))
    t.match(text, /Requests with it are refused\. User/)
    t.match(text, `State ${state}`)
    t.equal(text.includes('Revoke this key…'), offersRevoking, state)
  }
  t.match(textOf(await post('/keys/admin/identify', { secret: String(expired?.key) })), 'Ended 1 hour ago')
})

test('a key whose user may not use the API is told to be refused, and why', async (t) => {
  const { app, post } = await buildAdmin(t)
  const { key } = await app.apiKeys.create('ann')
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  t.match(textOf(await post('/keys/admin/identify', { secret: key })), 'Requests with it are refused. None of the user’s keys is accepted at the moment.')
  await app.apiKeys.profiles.delete('ann')
  t.match(textOf(await post('/keys/admin/identify', { secret: key })), /refused\. User ann .*State Revoked/)
})

test('nothing pasted is an error at the box, which has the focus', async (t) => {
  const { post } = await buildAdmin(t)
  for (const secret of ['', ' ', '""', 'Bearer ']) {
    const page = await post('/keys/admin/identify', secret === 'Bearer ' ? {} : { secret })
    t.equal(page.statusCode, 400)
    t.match(page.body, '<title>Error: Administration</title>')
    t.match(page.body, /<p class="ak-field-error" id="ak-found-error"><span aria-hidden="true">⚠<\/span> Paste the key that you found\.<\/p>/)
    t.match(page.body, /<input id="ak-found"[^>]* aria-describedby="ak-found-hint ak-found-error" aria-invalid="true" autofocus>/)
  }
})
