import createError from '@fastify/error'
import { internalsOf } from '../lib/keys/service.js'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { buildPages, textOf } from './helpers/pages.js'

test('a database that does not answer is a 503 page that says nothing of it', async (t) => {
  const { app, get, post } = await buildPages(t)
  const page = await get('/keys')
  t.equal(page.statusCode, 200)
  await internalsOf(app.apiKeys).close()
  for (const page of [await get('/keys'), await post('/keys', { name: 'k' })]) {
    t.equal(page.statusCode, 503)
    t.equal(page.headers['retry-after'], '1')
    t.match(textOf(page), 'API keys cannot be reached at the moment')
    t.notMatch(page.body, /select|api_key|sqlite/i)
  }
})

test('what getUser throws is a 500 page without its message, or a page of the status it names', async (t) => {
  const Teapot = createError('APP_TEAPOT', 'at /srv/app/secret.js', 418)
  const Login = createError('APP_LOGIN', 'at /srv/app/secret.js', 401)
  const Strange = createError('APP_STRANGE', 'at /srv/app/secret.js', 302)
  const Gateway = createError('APP_GATEWAY', 'at /srv/app/secret.js', 502)
  const inherited = Object.assign(new Error('at /srv/app/secret.js'), { code: 'constructor', statusCode: 404 })
  for (const [thrown, status, heading] of [
    [new Error('at /srv/app/secret.js'), 500, 'Something went wrong'], ['at /srv/app/secret.js', 500, 'Something went wrong'],
    [new Teapot(), 418, 'The request was refused'], [new Strange(), 500, 'Something went wrong'], [new Gateway(), 502, 'Something went wrong'],
    [new Login(), 401, 'The request was refused'], [inherited, 404, 'The request was refused']
  ] as const) {
    const { get } = await buildPages(t, { getUser: () => { throw thrown } })
    const page = await get('/keys')
    t.equal(page.statusCode, status)
    t.match(textOf(page), heading)
    t.notMatch(page.body, 'secret.js')
    t.equal(page.headers['www-authenticate'], status === 401 ? 'Session realm="API"' : undefined)
    t.equal(page.body.includes('Back to your keys'), status !== 401, 'where a link would only lead back')
  }
})

test('a challenge that the application has set stays', async (t) => {
  const Login = createError('APP_LOGIN', 'no', 401)
  const { get } = await buildPages(t, { getUser: () => { throw new Login() } }, (app) => {
    app.addHook('onRequest', async (_request, reply) => { reply.header('www-authenticate', 'Basic realm="x"') })
  })
  t.equal((await get('/keys')).headers['www-authenticate'], 'Basic realm="x"')
})

test('defects are logged as errors, refusals as information', async (t) => {
  const levels: Array<[number, string]> = []
  const logger = { level: 'info', stream: { write: (line: string) => { const { level, msg } = JSON.parse(line); levels.push([level, msg]) } } }
  let fails = false
  const { get } = await buildPages(t, { getUser: () => { if (fails) throw new Error('x'); return { id: 'ann' } } }, undefined, { logger })
  await get('/keys/none/revoke')
  t.match(levels.filter(([, msg]) => msg.includes('page')), [[30, 'a page for API keys refused a request']])
  fails = true
  await get('/keys')
  t.match(levels.filter(([, msg]) => msg.includes('failed')), [[50, 'a page for API keys failed']])
})

test("the application's own error handler, not-found handler, parsers and compilers do not reach the pages", async (t) => {
  const { get, post } = await buildPages(t, {}, (app) => {
    app.setErrorHandler(() => ({ from: 'application' }))
    app.setNotFoundHandler(() => ({ from: 'application' }))
    app.setValidatorCompiler(() => { throw new Error('no JSON schema') })
    app.setSerializerCompiler(() => { throw new Error('no JSON schema') })
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, { raw: body }))
    app.addContentTypeParser('*', (_request, _body, done) => done(null, {}))
  })
  t.match(textOf(await get('/keys/none/revoke')), 'There is no such key')
  t.match(textOf(await post('/keys', { name: 'mine' })), 'The key “mine” works from now on.')
  t.equal((await post('/keys', 'name=k', 'ann', { 'content-type': 'text/plain' })).statusCode, 415)
})

test("the pages do not change how the application's own routes read bodies and fail", async (t) => {
  const { app, post } = await buildPages(t)
  app.post('/echo', { config: { apiKey: false } }, (request) => request.body)
  t.same((await app.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })).json(), { a: 1 })
  t.match((await post('/echo', 'a=1')).json(), { statusCode: 415, code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' })
})

test('bodies of a wrong kind or size get a page', async (t) => {
  const { app, post } = await buildPages(t)
  for (const [body, type, status, text] of [
    ['{"name":"k"}', 'application/json', 415, 'The form could not be read'], ['name=k', 'text/plain', 415, 'This page takes forms only'],
    ['--x\r\n', 'multipart/form-data; boundary=x', 415, 'This page takes forms only'], ['name=k', 'nonsense', 415, 'The form could not be read'],
    [`name=${'x'.repeat(17_000)}`, 'application/x-www-form-urlencoded', 413, 'The form is too large']
  ] as const) {
    const page = await post('/keys', body, 'ann', { 'content-type': type })
    t.equal(page.statusCode, status)
    t.match(textOf(page), text)
  }
  t.match(textOf(await post('/keys', 'name=%ZZ%', 'ann')), 'The key “%ZZ%” works')
  const charset = await post('/keys', 'name=k', 'ann', { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' })
  t.equal(charset.statusCode, 200)
  t.equal((await app.apiKeys.list('ann')).length, 2)
})

test('templates that fail leave a bare page, which does not say where they are', async (t) => {
  const views = mkdtempSync(join(t.testdir(), 'views-'))
  writeFileSync(join(views, 'layout.html'), '<% throw new Error("in " + options.filepath) %>')
  const lines: string[] = []
  const logger = { level: 'error', stream: { write: (line: string) => { lines.push(line) } } }
  const { get } = await buildPages(t, { pages: { views } }, undefined, { logger })
  const page = await get('/keys')
  t.equal(page.statusCode, 500)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.match(page.headers, { 'cache-control': 'no-store', 'x-frame-options': 'DENY' })
  t.equal(page.body, '<!doctype html><html lang="en"><meta charset="utf-8"><title>API keys</title><p>Something went wrong</p></html>')
  t.match(lines.map((line) => JSON.parse(line).msg), ['a page for API keys failed', 'the templates of the pages for API keys failed'])
  t.match(lines.join(), 'layout.html')
})
