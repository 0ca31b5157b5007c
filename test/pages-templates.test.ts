import view from '@fastify/view'
import { Eta } from 'eta'
import Fastify from 'fastify'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import apiKey from '../lib/index.js'
import { attribute, buildPages, textOf } from './helpers/pages.js'

const VIEWS = fileURLToPath(new URL('../views/', import.meta.url))

test('a layout of the application replaces ours, around every page', async (t) => {
  const views = t.testdir({ 'layout.html': '<title>Photos: <%= it.title %></title><nav><%= it.nav ?? "" %></nav><main><%~ it.body %></main>' })
  const { get, post } = await buildPages(t, { pages: { views } }, (app) => {
    app.decorateReply('locals', null)
    app.addHook('onRequest', async (_request, reply) => { reply.locals = { nav: 'from locals', title: 'not this' } })
  })
  for (const [page, title] of [[await get('/keys'), 'API keys'], [await post('/keys', { name: 'k' }), 'Your new API key'], [await get('/keys/x/revoke'), 'There is no such key']] as const) {
    t.match(page.body, `<title>Photos: ${title}</title><nav>from locals</nav><main>`)
    t.notMatch(page.body, '<!doctype')
    t.match(page.body, '<div class="ak">')
  }
})

test('any template can be replaced by its name, and may bring parts of its own', async (t) => {
  const views = t.testdir({
    'message.html': "<% layout('keys') %>Ours: <%= it.heading %><%~ include('parts/foot') %><%~ include('/parts/note.txt') %>",
    parts: { 'foot.html': ' and <%= it.base %>', 'note.txt': ' a note' },
    'time.html': '<i><%= it.time.iso %></i>'
  })
  const { app, get } = await buildPages(t, { pages: { views } })
  await app.apiKeys.create('ann', { name: 'k' })
  t.match(textOf(await get('/keys/x/revoke')), 'Ours: There is no such key and /keys a note')
  t.match((await get('/keys')).body, '<i>2026-03-14T12:00:00.000Z</i>')
})

test('the stylesheet can be replaced too', async (t) => {
  const { app, get } = await buildPages(t, { pages: { views: t.testdir({ assets: { 'keys.css': 'p { color: red }' } }) } })
  const path = attribute(await get('/keys'), /<link rel="stylesheet"[^>]*>/, 'href') ?? ''
  t.equal((await app.inject(path)).body, 'p { color: red }')
})

test('a template outside the folders is not found, and the page does not say where they are', async (t) => {
  for (const name of ['../outside', 'nothing']) {
    const views = t.testdir({ 'outside.html': 'outside', views: { 'list.html': `<%~ include('${name}') %>` } })
    const { get } = await buildPages(t, { pages: { views: join(views, 'views') } })
    const page = await get('/keys')
    t.equal(page.statusCode, 500)
    t.match(textOf(page), 'Something went wrong')
    t.notMatch(page.body, views)
  }
})

test('an option views that is no folder is told at start-up', async (t) => {
  const file = join(t.testdir({ file: '' }), 'file')
  for (const views of [join(file, 'none'), file, './no-such-folder']) {
    const app = Fastify()
    await t.rejects(async () => { await app.register(apiKey, { database: ':memory:', pages: { views } }) }, {
      code: 'FST_API_KEY_INVALID_OPTION', message: /^The option pages\.views must be the path of a folder, got \/.*(none|file|no-such-folder), which is none$/
    })
  }
})

test("templates of the application and ours don't meet, whoever comes first", async (t) => {
  const views = t.testdir({ 'list.html': 'list of the application', 'list.eta': 'list of the application' })
  for (const viewExt of ['', 'html', 'eta']) {
    const { app, get } = await buildPages(t, {}, async (app) => {
      await app.register(view, { engine: { eta: new Eta() }, templates: views, production: true, viewExt })
      app.get('/own', { config: { apiKey: false } }, (_request, reply) => reply.view('list.html'))
    })
    t.equal((await app.inject('/own')).body, 'list of the application')
    t.match(textOf(await get('/keys')), 'No keys', viewExt)
    t.equal((await app.inject('/own')).body, 'list of the application')
  }
  const { app, get } = await buildPages(t)
  await app.register(view, { engine: { eta: new Eta() }, templates: views })
  app.get('/own', { config: { apiKey: false } }, (_request, reply) => reply.view('list.html'))
  t.match(textOf(await get('/keys')), 'No keys')
  t.equal((await app.inject('/own')).body, 'list of the application')
})

test('the templates in the guide work', async (t) => {
  const guide = readFileSync(fileURLToPath(new URL('../docs/templates.md', import.meta.url)), 'utf8')
  const [layout = '', message = ''] = Array.from(guide.matchAll(/```html\n(.*?)```/gs), ([, code = '']) => code)
  const { get, post } = await buildPages(t, { pages: { views: t.testdir({ 'layout.html': layout, 'message.html': message }) } })
  t.match((await get('/keys')).body, '<title>API keys – Photos</title>')
  t.match(textOf(await get('/keys/x/revoke')), 'There is no such key None of your API keys has this address. Questions? Ask us. Back to your keys')
  t.match(textOf(await post('/keys', { name: 'k' }, null)), 'Questions? Ask us.')
})

test('our templates escape everything but their own parts', (t) => {
  for (const file of readdirSync(VIEWS).filter((name) => name.endsWith('.html'))) {
    const raw = readFileSync(join(VIEWS, file), 'utf8').match(/<%~.*?%>/g) ?? []
    for (const tag of raw) t.match(tag, /^<%~ (it\.body|include\('(table|time|timed|filled|key-form|key-fields|history|chart|limits|admin-[a-z]+)'.*\)) %>$/, file)
  }
  t.end()
})

test('a parameter that is empty makes no link to another host', async (t) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(async (scope) => {
    await scope.register(apiKey, { database: ':memory:', getUser: () => ({ id: 'ann' }) })
  }, { prefix: '/:team' })
  const page = await app.inject('//keys')
  t.equal(page.statusCode, 200)
  t.notMatch(page.body, '"//keys')
})

test('a prefix around the plugin may have parameters, with which the links are made', async (t) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(async (scope) => {
    await scope.register(apiKey, { database: ':memory:', getUser: () => ({ id: 'ann' }) })
  }, { prefix: '/of/:team(\\w+)' })
  const page = await app.inject('/of/acme/keys')
  t.match(page.body, 'action="/of/acme/keys"')
  t.match(page.body, 'href="/of/acme/keys/assets/')
  const { headers } = await app.inject({ method: 'POST', url: '/of/acme/keys/x/revoke' })
  t.equal(headers['content-type'], 'text/html; charset=utf-8')
})

test('there are no pages without getUser, nor when they are turned off', async (t) => {
  for (const options of [{}, { pages: false, getUser: () => ({ id: 'ann' }) }] as const) {
    const app = Fastify()
    t.after(() => app.close())
    await app.register(apiKey, { database: ':memory:', required: false, ...options })
    t.equal((await app.inject('/keys')).statusCode, 404)
  }
})

declare module 'fastify' {
  interface FastifyReply { locals: object | null }
}
