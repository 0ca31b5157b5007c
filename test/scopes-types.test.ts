import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { compile } from './helpers/module.js'
import { blocks, ROOT } from './helpers/readme.js'

/*
 * An application that declares its scopes does so for all of its program, so this one is a program of its own: what must
 * not compile stands under @ts-expect-error, which is an error itself where nothing is wrong.
 */
const APPLICATION = `
import Fastify from 'fastify'
import apiKey, { type ApiKeyScope } from '${join(ROOT, 'lib/index.js')}'

declare module '${join(ROOT, 'lib/index.js')}' {
  interface ApiKeyScopes { 'buckets:read': true, 'buckets:write': true }
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
// What an editor completes.
export const known: Same<ApiKeyScope, 'buckets:read' | 'buckets:write' | 'api-keys:manage'> = true
export const all: ApiKeyScope[] = ['buckets:read', 'buckets:write']
// @ts-expect-error -- not declared
export const other: ApiKeyScope = 'buckets:delete'

export async function run (): Promise<void> {
  const app = Fastify()
  await app.register(apiKey, { scopes: { 'buckets:read': 'Read', 'buckets:write': 'Write' }, groups: { free: { scopes: ['buckets:read'] } } })
  // The scope of the API goes without being declared, and may be described.
  await app.register(apiKey, { api: true, scopes: { 'buckets:read': 'Read', 'buckets:write': 'Write', 'api-keys:manage': 'Manage keys' } })
  await app.apiKeys.create('ann', { scopes: ['api-keys:manage'] })
  // @ts-expect-error -- one is missing
  await app.register(apiKey, { scopes: { 'buckets:read': 'Read' } })
  // @ts-expect-error -- not declared
  await app.register(apiKey, { groups: { free: { scopes: ['buckets:delete'] } } })
  app.get('/', { config: { apiKey: { scopes: ['buckets:read'] } } }, async () => 'x')
  // @ts-expect-error -- not declared
  app.get('/', { config: { apiKey: { scopes: ['buckets:delete'] } } }, async () => 'x')
  await app.apiKeys.create('ann', { scopes: ['buckets:write'] })
  // @ts-expect-error -- not declared
  await app.apiKeys.create('ann', { scopes: ['buckets:delete'] })
  // @ts-expect-error -- not declared
  await app.apiKeys.update('id', { scopes: ['buckets:delete'] })
  // @ts-expect-error -- not declared
  await app.apiKeys.profiles.update('ann', { scopes: ['buckets:delete'] })
}
`

t.test('TypeScript takes the scopes that an application declares, and refuses others', async (t) => {
  const file = join(t.testdir({ 'application.ts': APPLICATION }), 'application.ts')
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT)
  const program = ts.createProgram([file], { ...options, noEmit: true })
  t.strictSame(ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
})

t.test('what README.md says of that can stand in a file of its own, and leaves the package as it is', async (t) => {
  const [block] = blocks('typescript')
  const { faults } = compile(t.testdir(), [String(block?.code), `import Fastify from 'fastify'
import apiKey, { gitleaksRule, type ApiKeyScope } from 'fastify-apikey'

export const rule = gitleaksRule('ak')
await Fastify().register(apiKey)
export const known: ApiKeyScope = 'buckets:read'
// @ts-expect-error -- not declared
export const other: ApiKeyScope = 'buckets:delete'
`])
  t.strictSame(faults, [])
})
