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
  const { post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  for (const body of ['', 'name=a&name=b']) t.match((await post('/keys', body, null)).body, 'href="/sign-in?next=%2Fkeys"')
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

test('without loginUrl a form after the session ended says the same, without a link', async (t) => {
  const { post } = await buildPages(t)
  const page = await post('/keys', { name: 'k' }, null)
  t.equal(page.statusCode, 401)
  t.match(textOf(page), 'No key was made.')
  t.notMatch(page.body, '<a ')
})
