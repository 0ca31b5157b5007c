import { test } from 'tap'
import { buildPages, textOf } from './helpers/pages.js'

test('nobody signed in is sent to sign in, and back afterwards', async (t) => {
  const { get } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  for (const [url, next] of [
    ['/keys', '%2Fkeys'], ['/keys/', '%2Fkeys%2F'], ['/keys?revoked=a&b=c%20d', '%2Fkeys%3Frevoked%3Da%26b%3Dc%2520d'], ['/keys/x/revoke', '%2Fkeys%2Fx%2Frevoke']
  ] as const) {
    const answer = await get(url, null)
    t.equal(answer.statusCode, 302)
    t.equal(answer.headers.location, `/sign-in?next=${next}`)
    t.equal(answer.headers['cache-control'], 'no-store')
  }
})

test('a HEAD of nobody is sent to sign in too', async (t) => {
  const { app } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  const answer = await app.inject({ method: 'HEAD', url: '/keys' })
  t.equal(answer.statusCode, 302)
  t.equal(answer.headers.location, '/sign-in?next=%2Fkeys')
})

test('next goes along with what loginUrl has already', async (t) => {
  for (const [loginUrl, location] of [
    ['/in?lang=de', '/in?lang=de&next=%2Fkeys'],
    ['https://id.example.com/in', 'https://id.example.com/in?next=%2Fkeys'],
    ['/app#/sign-in', '/app?next=%2Fkeys#/sign-in'],
    ['/app?a=%20#/sign-in?b', '/app?a=%20&next=%2Fkeys#/sign-in?b']
  ] as const) {
    const { get } = await buildPages(t, { pages: { loginUrl } })
    t.equal((await get('/keys', null)).headers.location, location)
  }
})

test('next never leads to another site', async (t) => {
  const { get } = await buildPages(t, { pages: { loginUrl: '/sign-in' } }, undefined, { routerOptions: { ignoreDuplicateSlashes: true } })
  const answer = await get('//keys', null)
  t.equal(answer.statusCode, 302)
  t.equal(answer.headers.location, '/sign-in?next=%2Fkeys')
  const deep = await get('////keys//x//revoke', null)
  t.equal(deep.headers.location, '/sign-in?next=%2Fkeys%2F%2Fx%2F%2Frevoke')
})

test('without loginUrl nobody gets a 401 page with a challenge', async (t) => {
  const { get } = await buildPages(t, { realm: 'Photos' })
  const page = await get('/keys', null)
  t.equal(page.statusCode, 401)
  t.equal(page.headers['www-authenticate'], 'Session realm="Photos"')
  t.match(textOf(page), 'Sign in to see your API keys You are not signed in.')
  t.notMatch(page.body, '<a ')
})

test('undefined is nobody, and so is what a promise gives', async (t) => {
  for (const getUser of [() => undefined, async () => null]) {
    const { get } = await buildPages(t, { getUser })
    t.equal((await get('/keys')).statusCode, 401)
  }
})

test('a form sent after the session ended is not lost: nothing was made, and the name comes back', async (t) => {
  const { app, get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  const page = await post('/keys', { name: 'back & up' }, null)
  t.equal(page.statusCode, 401)
  t.match(page.headers['www-authenticate'], /^Session /)
  t.match(textOf(page), 'Your session has ended No key was made. Sign in again, then make it. Sign in')
  const link = /href="(\/sign-in[^"]*)"/.exec(page.body)?.[1] ?? ''
  const next = new URL(link, 'http://x').searchParams.get('next') ?? ''
  t.equal(next, '/keys?name=back%20%26%20up')
  t.match((await get(next)).body, '<input id="ak-name" name="name" value="back &amp; up"')
  t.same(await app.apiKeys.list('ann'), [])
})

test('a form without a usable name leads back to the list', async (t) => {
  const { get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  for (const body of ['', 'name=a&name=b']) t.match((await post('/keys', body, null)).body, 'href="/sign-in?next=%2Fkeys"')
  t.match(textOf(await post('/keys', 'name=a&name=b', null)), 'Not all of what you entered could be kept')
  t.match((await get('/keys?name=a&name=b')).body, '<input id="ak-name" name="name" value="" ')
})

/** The page to come back to, which the way to sign in is told. */
function nextOf ({ body }: { body: string }): string {
  const link = /href="(\/sign-in[^"]*)"/.exec(body)?.[1] ?? ''
  return new URL(link.replaceAll('&amp;', '&'), 'http://x').searchParams.get('next') ?? ''
}

const SCOPES = { read: 'Read', write: 'Write' }

test('what was entered into the form for changing a key is there again after signing in, also what was emptied', async (t) => {
  const { app, get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' }, scopes: SCOPES })
  const { id } = await app.apiKeys.create('ann', { name: 'old', scopes: ['read'], allowedIps: ['::1'], expiresIn: '30d' })
  const before = await app.apiKeys.get(id)
  const sent = await post(`/keys/${id}/edit`, 'name=new+%26+%E2%9C%93&expiry=date&date=2026-12-24&scopes=write&addresses=192.0.2.1%0D%0A%3A%3A2&action=Save', null)
  t.match(textOf(sent), 'Your session has ended Nothing was changed. Sign in again: what you entered will be there, to be sent once more. Sign in')
  t.notMatch(textOf(sent), 'Not all')
  const page = await get(nextOf(sent))
  t.equal(page.statusCode, 200)
  t.match(page.body, 'role="status" tabindex="-1" autofocus>What you entered before is filled in. It is not saved yet.')
  t.match(page.body, 'name="name" value="new &amp; ✓"')
  t.match(page.body, '<option value="date" selected')
  t.match(page.body, 'type="date" value="2026-12-24"')
  t.same([...page.body.matchAll(/name="scopes" value="(\w+)" checked/g)].map(([, scope]) => scope), ['write'])
  t.match(page.body, '\n192.0.2.1\n::2</textarea>')
  t.same(await app.apiKeys.get(id), before)

  const emptied = await get(nextOf(await post(`/keys/${id}/edit`, 'name=&expiry=keep&date=&addresses=', null)))
  t.match(emptied.body, 'name="name" value=""')
  t.notMatch(emptied.body, /name="scopes" value="\w+" checked/)
  t.match(emptied.body, '>\n</textarea>')
  const some = await get(`/keys/${id}/edit?scopes=write`)
  t.match(some.body, 'name="name" value="old"')
  t.same([...some.body.matchAll(/name="scopes" value="(\w+)" checked/g)].map(([, scope]) => scope), ['write'])
  const plain = await get(`/keys/${id}/edit`)
  t.match(plain.body, 'name="name" value="old"')
  t.notMatch(textOf(plain), 'What you entered before')
})

test('what cannot be kept is said, and a form for changing a key has then what the key has', async (t) => {
  const { app, get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' }, scopes: SCOPES })
  const { id } = await app.apiKeys.create('ann', { name: 'old', scopes: ['read'], allowedIps: ['::1'] })
  const many = Array.from({ length: 100 }, (_, i) => `2001:db8:1:2:3:4:5:${i.toString(16)}/128`).join('\n')
  for (const [fields, expected] of [
    [{ name: 'new', expiry: '30d', scopes: 'write', addresses: many }, { name: 'new', scopes: ['write'], addresses: '::1' }],
    [{ name: 'new', scopes: 'x'.repeat(4000), addresses: many }, { name: 'new', scopes: ['read'], addresses: '::1' }],
    [{ name: 'x'.repeat(5000), scopes: 'write', addresses: '::2' }, { name: 'old', scopes: ['read'], addresses: '::1' }]
  ] as const) {
    const sent = await post(`/keys/${id}/edit`, fields, null)
    t.match(textOf(sent), 'to be sent once more. Not all of what you entered could be kept, so look through the form then.')
    const next = nextOf(sent)
    t.ok(next.length < 4100)
    const { body } = await get(next)
    t.match(body, `name="name" value="${expected.name}"`)
    t.same([...body.matchAll(/name="scopes" value="(\w+)" checked/g)].map(([, scope]) => scope), expected.scopes)
    t.match(body, `\n${expected.addresses}</textarea>`)
  }
  const some = await post('/keys', { name: 'k', addresses: many.split('\n').slice(0, 60).join('\n') }, null)
  t.notMatch(textOf(some), 'Not all')
  t.match((await get(nextOf(some))).body, `\n${many.split('\n').slice(0, 60).join('\n')}</textarea>`)
})

test('what may be a secret is not kept, since it would be in an address', async (t) => {
  const { app, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  const { id, key } = await app.apiKeys.create('ann', { name: 'k', allowedIps: ['::1'] })
  for (const url of ['/keys', `/keys/${id}/edit`]) {
    for (const fields of [{ name: `my ${key}`, addresses: '::2' }, { name: 'fine', addresses: `::2\n${key.slice(0, -3)}` }]) {
      const sent = await post(url, fields, null)
      t.equal(sent.statusCode, 401)
      t.notMatch(JSON.stringify([sent.headers, sent.body]), key.slice(0, 20))
      t.match(textOf(sent), 'Not all of what you entered could be kept')
      t.match(nextOf(sent), fields.name === 'fine' ? 'name=fine' : 'addresses=%3A%3A2')
    }
  }
})

test('to look for secrets takes no time to speak of, whatever is sent by whoever is not signed in', async (t) => {
  const { post } = await buildPages(t)
  for (const text of ['a', 'a_', `${'a'.repeat(21)}_`]) {
    const name = text.repeat(Math.floor(16_000 / text.length))
    await post('/keys', { name }, null)
    const began = performance.now()
    t.equal((await post('/keys', { name }, null)).statusCode, 401)
    t.ok(performance.now() - began < 500, 'a search that begins anew at each letter and goes on to the end takes many times as long')
  }
})

test('the time that was chosen for an old secret is chosen again after signing in', async (t) => {
  const { app, get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const chosen = async (overlap: string) => /name="overlap" value="(\w+)" checked/.exec((await get(nextOf(await post(`/keys/${id}/rotate`, { overlap, rotated: '' }, null)))).body)?.[1]
  for (const overlap of ['0', '1h', '24h', '7d']) t.equal(await chosen(overlap), overlap)
  for (const overlap of ['', '9d', '"><script>']) t.equal(await chosen(overlap), '24h')
  t.match(textOf(await post(`/keys/${id}/rotate`, { overlap: 'for some time' }, null)), 'Not all')
  t.notMatch(textOf(await post(`/keys/${id}/rotate`, {}, null)), 'Not all')
  t.match(await app.apiKeys.get(id), { rotatedAt: null })
})

test('revoking after the session ended says that nothing was revoked', async (t) => {
  const { app, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const page = await post(`/keys/${id}/revoke`, {}, null)
  t.equal(page.statusCode, 401)
  t.match(textOf(page), 'Nothing was changed. Sign in again, then repeat what you did.')
  t.match(page.body, `href="/sign-in?next=%2Fkeys%2F${id}%2Frevoke"`)
  t.equal((await app.apiKeys.get(id))?.state, 'active')
})

test('without loginUrl a form after the session ended says the same, and leads to the page itself', async (t) => {
  const { get, post } = await buildPages(t)
  const page = await post('/keys', { name: 'k' }, null)
  t.equal(page.statusCode, 401)
  t.match(textOf(page), 'No key was made. Sign in again, then make it. Open the page again')
  t.match(page.body, 'href="/keys?name=k"')
  t.match((await get('/keys?name=k')).body, 'name="name" value="k"')
})
