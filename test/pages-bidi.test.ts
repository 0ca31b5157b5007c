import { test } from 'tap'
import { buildPages } from './helpers/pages.js'

const NAME = 'מפתח 1!'
const MEMBER = { id: 'ann', name: 'אן', owner: 'ארגון' }

test('names that run the other way are set apart wherever they stand', async (t) => {
  const { app, get, post } = await buildPages(t, { getUser: ({ headers }) => headers['user'] === 'root' ? { id: 'root', admin: true } : MEMBER })
  const { id } = await app.apiKeys.create(MEMBER.owner, { name: NAME }, { actor: 'עדי' })
  await app.apiKeys.update(id, { name: 'חדש' }, { actor: 'ann' })
  await app.apiKeys.update(id, { name: NAME }, { actor: 'ann' })
  const has = async (url: string, texts: readonly string[], user = 'ann') => {
    const { body } = await get(url, user)
    for (const text of texts) t.match(body, text, url)
    const visible = body.slice(body.indexOf('<main')).replace(/<input[^>]*>/g, '').replaceAll(`<bdi>${NAME}</bdi>`, '').replaceAll(`\u2068${NAME}\u2069`, '')
    t.notMatch(visible, NAME, `${url}: nowhere without`)
  }
  await has('/keys', [`href="/keys/${id}"><bdi>${NAME}</bdi></a>`, `Revoke the key <bdi>${NAME}</bdi></span>`, 'Signed in as <bdi>אן</bdi> for <bdi>ארגון</bdi>'])
  await has(`/keys/${id}`, [`<h1><bdi>${NAME}</bdi></h1>`, `<title>\u2068${NAME}\u2069</title>`, `Name: <bdi>חדש</bdi> → <bdi>${NAME}</bdi>`, 'by <bdi>עדי</bdi>'].map((text) => text.replace('Name', '<bdi>Name</bdi>')))
  await has(`/keys/${id}`, ['This key belongs to <bdi>ארגון</bdi>.'], 'root')
  await has(`/keys/${id}/edit`, [`<strong><bdi>${NAME}</bdi></strong>`, 'maxlength="100" dir="auto"'])
  await has(`/keys/${id}/rotate`, [`Rotate “<bdi>${NAME}</bdi>”?`])
  await has(`/keys/${id}/revoke`, [`Revoke “<bdi>${NAME}</bdi>”?`])
  await has('/keys?q=%D7%A9', ['No key has “<bdi>ש</bdi>” in its name', 'type="search" dir="auto"'])
  t.match((await post(`/keys/${id}/rotate`, { overlap: '0' })).body, `The key “<bdi>${NAME}</bdi>” has a new secret`)
  t.match((await post('/keys', { name: NAME })).body, `The key “<bdi>${NAME}</bdi>” works from now on.`)
  await app.apiKeys.revoke(id, { reason: 'אבד' })
  await has(`/keys?revoked=${id}`, [`The key “\u2068${NAME}\u2069” was revoked.`])
  await has(`/keys/${id}/revoke`, [`Requests with the key “<bdi>${NAME}</bdi>” are refused.`])
  await has(`/keys/${id}`, ['<dd><bdi>אבד</bdi></dd>'])
})

test('names that run the other way are set apart on the pages for administrators too', async (t) => {
  const [userId, group] = ['דנה 1!', 'צוות 2!']
  const { app, get, post } = await buildPages(t, { groups: { [group]: {} }, getUser: () => ({ id: 'root', admin: true }) })
  const { profiles } = app.apiKeys
  await profiles.create(userId, { group })
  const { key } = await app.apiKeys.create(userId, { name: NAME })
  const user = `/keys/admin/user?id=${encodeURIComponent(userId)}`
  const answers = [await get('/keys/admin'), await get(user), await get(`/keys/admin/revoke-all?user=${encodeURIComponent(userId)}`), await post('/keys/admin/identify', { secret: key })]
  for (const { body } of answers) {
    // What stands alone in its field or line carries nothing along.
    const visible = body.slice(body.indexOf('<title')).replace(/<input[^>]*>/g, '').replace(/<option[^]*?<\/option>/g, '')
    for (const name of [userId, group, NAME]) t.notMatch(visible.replaceAll(`<bdi>${name}</bdi>`, '').replaceAll(`\u2068${name}\u2069`, ''), name)
  }
  const [directory, , revokeAll, found] = answers.map(({ body }) => body)
  for (const name of [userId, group]) t.match(directory, `<bdi>${name}</bdi>`)
  for (const name of [userId, NAME]) t.match(found, `"><bdi>${name}</bdi></a>`)
  for (const [page, id] of [[directory, 'q'], [directory, 'id'], [revokeAll, 'reason']] as const) t.match(page, new RegExp(`<input id="ak-${id}"[^>]* dir="auto"`))
})

test('a name ends the part that is its own in no other way, and other names have nothing added', async (t) => {
  const { app, get } = await buildPages(t)
  const told = async (name: string) => {
    const { id } = await app.apiKeys.create('ann', { name })
    await app.apiKeys.revoke(id)
    return /The key “(.*)” was revoked/.exec((await get(`/keys?revoked=${id}`)).body)?.[1]
  }
  t.equal(await told('a\u2069\u202etxt'), '\u2068atxt\u2069')
  t.equal(await told('Übung – 日本 ✓'), 'Übung – 日本 ✓')
})

test('in a language that runs from right to left all names are set apart, also where a text has no place for them', async (t) => {
  const { app, get } = await buildPages(t, { pages: { text: { locale: 'he', 'revoke.heading': 'לבטל את {name}? {other}', 'list.wasRevoked': 'המפתח {name} בוטל.' } } })
  const { id } = await app.apiKeys.create('ann', { name: 'laptop' })
  t.match((await get(`/keys/${id}/revoke`)).body, 'לבטל את <bdi>laptop</bdi>? {other}')
  await app.apiKeys.revoke(id)
  t.match((await get(`/keys?revoked=${id}`)).body, 'המפתח \u2068laptop\u2069 בוטל.')
})
