import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const MODULES = join(ROOT, 'node_modules')
const BIN = join(MODULES, '.bin')

const exec = promisify(execFile)

/** Runs a command without what tap adds to every Node that a test starts. */
const run = (command: string, args: string[], cwd: string) => exec('env', ['-u', 'NODE_OPTIONS', command, ...args], { cwd })

const { name, version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** What npm would install with the package: optional peers are the application's choice. */
const INSTALLED = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).filter((name) => peerDependenciesMeta[name]?.optional !== true)

// Outside of the project, where nothing that the package did not declare is found by chance.
const folder = mkdtempSync(join(tmpdir(), 'package-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const application = join(folder, 'application')
const installed = join(application, 'node_modules', name)
const tarball = join(folder, `${name}-${version}.tgz`)

/** Runs a script of the application. */
async function node (file: string, script: string): Promise<{ stdout: string }> {
  writeFileSync(join(application, file), script)
  return await run('env', ['-i', `PATH=${process.env['PATH']}`, process.execPath, file], application)
}

function link (name: string): void {
  const target = join(application, 'node_modules', name)
  mkdirSync(dirname(target), { recursive: true })
  if (!existsSync(target)) symlinkSync(join(MODULES, name), target, 'junction')
}

t.before(async () => {
  mkdirSync(join(application, 'node_modules'), { recursive: true })
  writeFileSync(join(application, 'package.json'), '{ "private": true }')
  // As built: to build it here would let others, who start it meanwhile, see dist vanish.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], ROOT)
  mkdirSync(installed)
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'], folder)
  for (const name of INSTALLED) link(name)
})

const USE = `
async function main (apiKey, Fastify) {
  const app = Fastify()
  await app.register(apiKey, { database: 'keys.db' })
  app.get('/me', async (request) => request.apiUser.id)
  const { key } = await app.apiKeys.create('ann')
  const response = await app.inject({ url: '/me', headers: { 'x-api-authorization': key } })
  const { statusCode } = await app.inject('/me')
  console.log(response.body, statusCode)
  await app.close()
}
`

t.test('the package holds what it needs and nothing else', async (t) => {
  const shipped = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  for (const needed of ['dist/index.js', 'dist/index.d.ts', 'drizzle/sqlite/0000_tables.sql', 'drizzle/sqlite/meta/_journal.json', 'LICENSE', 'package.json']) {
    t.ok(shipped.includes(needed), needed)
  }
  for (const folder of ['views', 'docs']) {
    if (existsSync(join(ROOT, folder))) t.strictSame(readdirSync(join(installed, folder), { recursive: true }).toSorted(), readdirSync(join(ROOT, folder), { recursive: true }).toSorted())
  }
  t.strictSame(shipped.filter((file) => /(^|\/)(test|bench|examples|lib|node_modules)(\/|$)|\.db|\.env|\.tsbuildinfo|_snapshot\.json/.test(file)), [])
})

t.test('of code and types it holds nothing that is large without need', async (t) => {
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
  t.strictSame(files.filter((file) => statSync(join(installed, 'dist', file)).size > 100_000), [])
})

t.test('it works with import', async (t) => {
  const { stdout } = await node('esm.mjs', `import Fastify from 'fastify'\nimport apiKey, { apiKey as named } from '${name}'\n${USE}\nawait main(apiKey, Fastify)\nconsole.log(apiKey === named)`)
  t.equal(stdout, 'ann 401\ntrue\n')
})

t.test('it works with require', async (t) => {
  const { stdout } = await node('cjs.cjs', `const Fastify = require('fastify')\nconst apiKey = require('${name}')\n${USE}\nmain(apiKey, Fastify).then(() => console.log(typeof apiKey))`)
  t.equal(stdout, 'ann 401\nfunction\n')
})

t.test('what require gives has the names that import has', async (t) => {
  const { stdout } = await node('names.cjs', `const plugin = require('${name}')\nconst { apiKey, gitleaksRule } = plugin\nconsole.log(apiKey === plugin, gitleaksRule('ak').includes('[[rules]]'))`)
  t.equal(stdout, 'true true\n')
})

t.test('the schema for SQLite can be imported, its tables and triggers', async (t) => {
  const { stdout } = await node('schema.mjs', `import * as schema from '${name}/schema/sqlite'\nconsole.log(Object.keys(schema).sort().join(' '))`)
  t.equal(stdout, 'apiKeyGeneration apiKeyHistory apiKeyProfiles apiKeyUsage apiKeyUseLog apiKeyUses apiKeys triggerMigration triggers\n')
})

t.test('what is not exported cannot be imported', async (t) => {
  await t.rejects(node('deep.mjs', `import '${name}/dist/plugin.js'`), /ERR_PACKAGE_PATH_NOT_EXPORTED/)
})

t.test('an application in strict TypeScript compiles against it', async (t) => {
  for (const types of ['typescript', '@types/node']) link(types)
  writeFileSync(join(application, 'app.mts'), `import Fastify from 'fastify'
import apiKey, { type ApiUser } from '${name}'
import { apiKeys } from '${name}/schema/sqlite'
const app = Fastify()
await app.register(apiKey, { prefix: ['ak', 'old'] })
app.get('/me', { config: { apiKey: 'optional' } }, async (request): Promise<ApiUser | null> => request.apiUser)
export const { key } = await app.apiKeys.create('ann')
export { apiKeys }
// @ts-expect-error -- a number is no database
await app.register(apiKey, { database: 5 })
// @ts-expect-error -- what only the plugin itself uses is not among the types
export const { admission } = app.apiKeys
`)
  const options = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', '--types', 'node']
  const { stdout } = await run(process.execPath, [join(BIN, 'tsc'), ...options, 'app.mts'], application).catch((error: { stdout: string }) => error)
  t.equal(stdout, '')
})

t.test('publint and attw find nothing', async (t) => {
  t.match(await run(process.execPath, [join(BIN, 'publint'), '--strict', tarball], folder), { stdout: /All good!/ })
  // Whatever it finds makes it fail, but for what its profile leaves out.
  await t.resolves(run(process.execPath, [join(BIN, 'attw'), tarball, '--profile', 'esm-only'], folder))
})
