import { test } from 'tap'
import { attribute, buildPages } from './helpers/pages.js'

const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

test('every answer of the pages has the same headers, errors and redirects too', async (t) => {
  const { app, get, post } = await buildPages(t, { pages: { loginUrl: '/sign-in' } })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const answers = [
    await get('/keys'), await get('/keys', null), await post('/keys', { name: 'k' }), await post('/keys', {}), await post('/keys', {}, null),
    await get(`/keys/${id}/revoke`), await get('/keys/none/revoke'), await post(`/keys/${id}/revoke`, { action: 'Cancel' }), await post(`/keys/${id}/revoke`, {}),
    await post('/keys', {}, 'ann', { origin: 'null' }), await post('/keys', '{}', 'ann', { 'content-type': 'application/json' }),
    await post('/keys', { name: 'x'.repeat(20_000) })
  ]
  t.same(answers.map((answer) => answer.statusCode), [200, 302, 200, 400, 401, 200, 404, 303, 303, 403, 415, 413])
  for (const { headers, statusCode } of answers) {
    t.match(headers, {
      'cache-control': 'no-store',
      'content-security-policy': POLICY,
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY'
    }, String(statusCode))
  }
})

test('an application can change the headers in an onSend hook, where a layout of its own needs more', async (t) => {
  const { get } = await buildPages(t, {}, (app) => {
    app.addHook('onRequest', async (_request, reply) => { reply.header('content-security-policy', "default-src 'self'") })
    app.addHook('onSend', async (_request, reply) => { reply.header('x-frame-options', 'SAMEORIGIN') })
  })
  const { headers } = await get('/keys')
  t.equal(headers['content-security-policy'], POLICY)
  t.equal(headers['x-frame-options'], 'SAMEORIGIN')
})

test('nothing on the pages is inline, and nothing comes from elsewhere', async (t) => {
  const { app, get, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  for (const page of [await get('/keys'), await post('/keys', { name: 'k' }), await get(`/keys/${id}/revoke`), await get('/keys/none/revoke')]) {
    t.notMatch(page.body, / style=| on\w+=|<style|<script(?! src="\/keys\/assets\/)/)
    t.notMatch(page.body.replace(/<code id="ak-curl">.*?<\/code>/, ''), /https?:/)
  }
})

test('the stylesheet and the script may be cached for ever, since their paths change with them', async (t) => {
  const { app, get } = await buildPages(t)
  const page = await get('/keys')
  const style = attribute(page, /<link rel="stylesheet"[^>]*>/, 'href') ?? ''
  const script = attribute(page, /<script[^>]*>/, 'src') ?? ''
  for (const [path, pattern, type, part] of [
    [style, /^\/keys\/assets\/[\w-]{16}\/keys\.css$/, 'text/css; charset=utf-8', '.ak-button'],
    [script, /^\/keys\/assets\/[\w-]{16}\/keys\.js$/, 'text/javascript; charset=utf-8', 'clipboard']
  ] as const) {
    t.match(path, pattern)
    const { statusCode, headers, body } = await app.inject(path)
    t.equal(statusCode, 200)
    t.match(headers, { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable', 'x-content-type-options': 'nosniff' })
    t.match(body, part)
  }
})
