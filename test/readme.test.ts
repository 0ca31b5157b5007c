import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import cors from '@fastify/cors'
import t from 'tap'
import apiKey from '../lib/index.js'
import { bareServer } from './helpers/app.js'
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
  const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'docs/api.md', 'docs/architecture.md', 'docs/incident.md', 'docs/history.md', 'docs/limits.md', 'docs/migrations.md', 'docs/templates.md', 'bench/README.md']
  const links = documents.flatMap((document) => [...readFileSync(join(ROOT, document), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
    .map(([, link = '']) => link).filter((link) => !link.includes('://')).map((link) => join(ROOT, dirname(document), link)))
  t.ok(links.length > 8)
  t.strictSame(links.filter((file) => !existsSync(file)), [])
})
