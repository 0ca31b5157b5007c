import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import type { User } from '../lib/index.js'
import { buildPages, textOf } from './helpers/pages.js'

test('getUser may answer at once or later, with whatever else its user has', async (t) => {
  const record = { id: 'ann', name: 'Ann', email: 'ann@example.com', password: 'hash' }
  for (const getUser of [() => record, async () => record]) {
    const { get } = await buildPages(t, { getUser })
    const page = await get('/keys')
    t.match(textOf(page), 'Signed in as Ann')
    t.notMatch(page.body, 'example.com')
  }
})

test("an application's own record may be an object of a class, also one that reads its properties when asked", async (t) => {
  class Base { get id (): string { return 'ann' } }
  class Entity extends Base {
    reads = 0
    readonly #name = 'Ann Lee'
    get name (): string { this.reads++; return this.#name }
    get owner (): string { return 'acme' }
    save (): void {}
  }
  const entity = new Entity()
  const bare: User = Object.assign(Object.create(null), { id: 'ann', name: 'Ann Lee', owner: 'acme' })
  for (const getUser of [() => entity, async () => entity, () => bare]) {
    const { app, get, post } = await buildPages(t, { getUser })
    t.match(textOf(await get('/keys')), 'Signed in as Ann Lee for acme')
    await post('/keys', { name: 'k' })
    t.match(await app.apiKeys.list('acme'), [{ name: 'k' }])
  }
  t.equal(entity.reads, 4, 'once for each request')
})

test('a property that cannot be read is as if getUser had failed', async (t) => {
  const { get } = await buildPages(t, { getUser: () => ({ get id (): string { throw new Error('no connection') } }) })
  const page = await get('/keys')
  t.equal(page.statusCode, 500)
  t.notMatch(page.body, 'no connection')
})

test('an empty name is as good as none, and an owner that is oneself is not told', async (t) => {
  const { get } = await buildPages(t, { getUser: () => ({ id: 'ann', name: '', owner: 'ann' }) })
  t.match(textOf(await get('/keys')), /^Signed in as ann API keys/)
})

test('getUser is asked after the hooks of the application', async (t) => {
  const { get } = await buildPages(t, { getUser: (request: FastifyRequest) => request.session }, (app) => {
    app.decorateRequest('session', null)
    app.addHook('preHandler', async (request) => { request.session = { id: 'from-hook' } })
  })
  t.match(textOf(await get('/keys')), 'Signed in as from-hook')
})

test('what a record of the application says null of is not said', async (t) => {
  const { get } = await buildPages(t, { getUser: () => ({ id: 'ann', name: null, admin: null, owner: null }) })
  t.match(textOf(await get('/keys')), 'Signed in as ann')
  t.equal((await get('/keys/admin')).statusCode, 404)
})

test('an answer of another form is a mistake of the application, which the log names and the page does not', async (t) => {
  const answers: Array<[unknown, string]> = [
    [() => ({ id: 'ann' }), 'a function'], [Symbol('ann'), 'a symbol'], [Object.assign([], { id: 'ann' }), 'an array'], [new Date(0), 'id: undefined'],
    ['ann', 'a string of 3 characters'], [true, 'true'], [[], 'an array'], [{}, 'id: undefined'], [{ id: 7 }, 'id: 7'], [{ id: '' }, 'id: an empty string'],
    [{ id: 'x'.repeat(256) }, 'id: a string of 256 characters'], [{ id: 'a\nb' }, 'id: a string of 3 characters'],
    [{ id: 'ann', name: 7 }, 'name: 7'], [{ id: 'ann', admin: 1 }, 'admin: 1'], [{ id: 'ann', owner: '' }, 'owner: an empty string']
  ]
  for (const [answer, got] of answers) {
    const lines: string[] = []
    const logger = { level: 'error', stream: { write: (line: string) => { lines.push(line) } } }
    const getUser = () => answer as User
    const { get } = await buildPages(t, { getUser }, undefined, { logger })
    const page = await get('/keys')
    t.equal(page.statusCode, 500, got)
    t.match(textOf(page), 'Something went wrong')
    t.notMatch(page.body, 'getUser')
    t.equal(lines.length, 1)
    t.match(JSON.parse(lines[0] ?? ''), { err: { code: 'FST_API_KEY_INVALID_CALLBACK_RESULT' } })
    t.match(JSON.parse(lines[0] ?? '').err.message, got)
  }
})

declare module 'fastify' {
  interface FastifyRequest { session: User | null }
}
