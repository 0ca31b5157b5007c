import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import cors from '@fastify/cors'
import Database from 'better-sqlite3'
import t from 'tap'
import ts from 'typescript'
import * as errors from '../lib/errors.js'
import apiKey from '../lib/index.js'
import { resolveOptions, type ApiKeyOptions } from '../lib/options.js'
import { bareServer, server } from './helpers/app.js'
import { compile, run } from './helpers/module.js'
import { blocks, commands, promises, ROOT, rows, runCurl } from './helpers/readme.js'

// A compiler and nine processes, on a machine that may be busy.
t.setTimeout(180_000)

const examples = blocks('ts')
// A port that is free.
const compiled = compile(t.testdir(), examples.map(({ code }) => code.replace('port: 3000', 'port: 0')))

/** The compiled example under a heading. */
function exampleOf (heading: string): string {
  const file = compiled.files[examples.findIndex((example) => example.heading === heading)]
  if (file === undefined) throw new Error(`README.md has no example under ${heading}`)
  return file
}

t.test('every example compiles with strict settings against the package as built', async (t) => {
  t.strictSame(compiled.faults, [])
  t.ok(compiled.program.getSourceFile(join(ROOT, 'dist/index.d.ts')), 'the package is found by its own name')
  t.ok(examples.length >= 9)
})

t.test('every example that ends prints what it says', async (t) => {
  const ending = examples.map((example, i) => ({ ...example, file: compiled.files[i] ?? '' })).filter(({ code }) => !code.includes('.listen('))
  for (const { heading, code, file } of ending) {
    const { output, errors, code: exitCode } = await run(t, file).ended
    t.equal(exitCode, 0, `${heading}: ${errors}`)
    t.equal(errors, '', heading)
    if (code.includes("from 'node:test'")) t.match(output, /pass 1\n/, heading)
    else t.strictSame(output.trimEnd().split('\n'), promises(code), heading)
  }
})

t.test('the first example prints a curl line, which is answered as README.md says, and so is one without a key', async (t) => {
  const printed = await run(t, exampleOf('A first key')).printed(/^curl .*$/m)
  const [key = ''] = /ak_\w+/.exec(printed) ?? []
  const [origin = ''] = /http:\/\/[^/]+/.exec(printed) ?? []
  const [first, second, ...more] = commands(blocks('console')[0]?.code ?? '')
    .map(({ command, answer }) => ({ command: command.replace('ak_…', key).replace('http://127.0.0.1:3000', origin), answer }))
  t.equal(first?.command, printed)
  t.equal(await (await runCurl(printed)).text(), first?.answer)

  const refused = await runCurl(second?.command ?? '')
  const [head = '', body] = second?.answer.split('\n…\n') ?? []
  const [status, ...headers] = head.split('\n')
  t.equal(status, `HTTP/1.1 ${refused.status} ${refused.statusText}`)
  t.ok(headers.length > 0)
  for (const [name = '', value] of headers.map((line) => line.split(/: (.*)/))) t.equal(refused.headers.get(name), value)
  t.equal(await refused.text(), body)
  t.strictSame(more, [])
})

t.test('the second example serves the pages, whose key opens its route', async (t) => {
  const url = await run(t, exampleOf('Give people the page')).printed(/^http.*\/keys$/m)
  const { origin } = new URL(url)
  const session = { cookie: 'session=ann-session' }

  const away = await fetch(url, { redirect: 'manual' })
  t.equal(away.headers.get('location'), '/sign-in?next=%2Fkeys')
  t.equal(await (await fetch(`${origin}/sign-in`)).text(), 'Your sign-in page.')

  t.match(await (await fetch(url, { headers: session })).text(), /Ann Lee/)
  const made = await fetch(url, { method: 'POST', headers: session, body: new URLSearchParams({ name: 'Laptop' }) })
  const [key = ''] = /ak_\w{38}/.exec(await made.text()) ?? []
  const answer = await fetch(`${origin}/buckets`, { headers: { 'x-api-authorization': key } })
  t.strictSame(await answer.json(), { owner: 'ann' })
})

t.test('the table of options names every option, and its defaults are the defaults', async (t) => {
  const table = rows('Options', 'option')
  const names = table.map(([name = '']) => name)
  const inside = (object: string) => names.filter((name) => name.startsWith(object)).map((name) => name.slice(object.length))
  t.strictSame(allowed({ unknown: true }), names.filter((name) => !name.includes('.')))
  t.strictSame(allowed({ pages: { unknown: true } }), inside('pages.'))
  t.strictSame(allowed({ cache: { unknown: true } }), inside('cache.'))

  for (const [name = '', value = ''] of table.filter(([, value]) => value !== 'none')) {
    const given: unknown = runInNewContext(`(${value})`, { Date })
    const [outer = '', inner] = name.split('.')
    const options = { [outer]: inner === undefined ? given : { [inner]: given } }
    t.strictSame(resolveOptions(options as ApiKeyOptions), resolveOptions({}), name)
  }
})

t.test('the table of events names every event with its payload', async (t) => {
  const table = rows('Events', 'event').map(([name, payload = '']) => [name, payload.match(/\w+/g)?.sort()])
  t.strictSame(new Map(table.map(([name, fields]) => [name, fields])), payloads(compiled.program))
})

t.test('the tables of errors name every error with its status', async (t) => {
  const told = rows('What is stored, and what callers are told', 'code')
  const thrown = rows('Errors', 'code')
  const documented = [...told, ...thrown].map(([code, status]) => `${code} ${status}`)
  const raised = Object.values(errors).filter((value) => 'prototype' in value && value.prototype instanceof Error)
    .map((Raised) => new (Raised as typeof errors.InvalidKeyError)()).map(({ code, statusCode }) => `${code} ${statusCode}`)
  t.strictSame(documented.sort(), raised.sort())
})

t.test('callers are told what the table says', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const app = await server(t, { database })
  app.get('/scopes', { config: { apiKey: { scopes: ['buckets:read'] } } }, async () => 'never')
  app.get('/make', { config: { apiKey: false } }, async () => await app.apiKeys.create('ann'))
  const revoked = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(revoked.id)
  const { key } = await app.apiKeys.create('ann')
  const { key: forbidden } = await app.apiKeys.create('bob')
  await app.apiKeys.profiles.update('bob', { canUseApi: false })
  database.exec("CREATE TRIGGER forbid BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'no'); END")

  const requests: [code: string, key?: string, url?: string][] = [
    ['FST_API_KEY_MISSING'], ['FST_API_KEY_INVALID', 'nonsense'], ['FST_API_KEY_REVOKED', revoked.key],
    ['FST_API_KEY_INSUFFICIENT_SCOPE', key, '/scopes'], ['FST_API_KEY_API_FORBIDDEN', forbidden],
    ['FST_API_KEY_INTERNAL', key, '/make'], ['FST_API_KEY_UNAVAILABLE', key]
  ]
  const table = rows('What is stored, and what callers are told', 'code')
  t.strictSame(table.map(([code]) => code).sort(), requests.map(([code]) => code).sort())
  const challenge = table[0]?.[3] ?? ''
  for (const [code, key, url = '/me'] of requests) {
    if (code === 'FST_API_KEY_UNAVAILABLE') database.close()
    const response = await app.inject({ url, headers: key === undefined ? {} : { 'x-api-authorization': key } })
    const [, status, , cell = ''] = table.find(([listed]) => listed === code) ?? []
    t.equal(response.json().code, code)
    t.equal(String(response.statusCode), status, code)
    t.equal(response.headers['www-authenticate'] ?? '–', cell.replace('the same', challenge).replace('…', challenge), code)
  }
})

t.test('in Authorization the challenge is the one that README.md shows', async (t) => {
  const app = await server(t, { header: 'Authorization' })
  const { key, id } = await app.apiKeys.create('ann')
  const send = async (authorization: string) => (await app.inject({ url: '/me', headers: { authorization } })).headers['www-authenticate']
  t.equal((await app.inject('/me')).headers['www-authenticate'], 'Bearer realm="API"')
  t.equal(await send('Basic YW5uOg=='), 'Bearer realm="API"')
  t.equal(await send('Bearer of-another-kind'), 'Bearer realm="API"')
  t.equal(await send(`Bearer ${key}`), undefined)
  await app.apiKeys.revoke(id)
  t.equal(await send(`Bearer ${key}`), 'Bearer realm="API", error="invalid_token"')
})

t.test('a script in a browser reads a refusal only where @fastify/cors was registered first', async (t) => {
  const allowedOrigins = []
  for (const isFirst of [true, false]) {
    const app = bareServer(t)
    if (isFirst) await app.register(cors)
    await app.register(apiKey, { database: ':memory:' })
    if (!isFirst) await app.register(cors)
    allowedOrigins.push((await app.inject({ url: '/', headers: { origin: 'https://shop.example' } })).headers['access-control-allow-origin'])
  }
  t.strictSame(allowedOrigins, ['*', undefined])
})

t.test('the versions are those of the package', async (t) => {
  const { engines, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const table = new Map(rows('Install', 'needs').map(([name, value]) => [name, value]))
  t.equal(`>=${table.get('Node')?.split(' ')[0]}`, engines.node)
  t.equal(`^${table.get('Fastify')}.0.0`, peerDependencies.fastify)
})

t.test('every link and picture of the documents leads to a file', async (t) => {
  const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'docs/architecture.md', 'docs/templates.md', 'bench/README.md']
  const links = documents.flatMap((document) => [...readFileSync(join(ROOT, document), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
    .map(([, link = '']) => link).filter((link) => !link.includes('://')).map((link) => join(ROOT, dirname(document), link)))
  t.ok(links.length > 8)
  t.strictSame(links.filter((file) => !existsSync(file)), [])
})

/** The names that an error about an unknown one lists. */
function allowed (options: object): string[] {
  try {
    resolveOptions(options)
  } catch (error) {
    const list = /must be one of (.*), got/.exec(String(error))?.[1]
    if (list !== undefined) return list.split(', ')
  }
  throw new Error(`taken: ${inspect(options)}`)
}

/** The events by name, each with the names in its payload, as the package's types have them. */
function payloads (program: ts.Program): Map<string, string[]> {
  const checker = program.getTypeChecker()
  const events = program.getSourceFile(join(ROOT, 'dist/keys/events.d.ts'))?.statements
    .find((statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === 'ApiKeyEvents')
  if (events === undefined) throw new Error('there is no interface ApiKeyEvents')
  return new Map(checker.getTypeAtLocation(events).getProperties().map((event) => {
    const payload = checker.getIndexTypeOfType(checker.getTypeOfSymbol(event), ts.IndexKind.Number)
    return [event.name, payload?.getProperties().map(({ name }) => name).sort() ?? []]
  }))
}
