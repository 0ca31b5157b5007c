import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { generateSecret } from '../lib/keys/secret.js'
import { ask, Clock, DAY, HOUR, server } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'
import { ROOT } from './helpers/readme.js'

/** The rows of the table of docs/lifecycle.md with this first column, without its head, and without backticks. */
function table (column: string): string[][] {
  const lines = readFileSync(join(ROOT, 'docs/lifecycle.md'), 'utf8').split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${column} |`))
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start, start + length).filter((_, i) => i !== 1)
    .map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')))
}

/** Status 200, or the code of the refusal. */
async function answer (app: FastifyInstance, key: string): Promise<string> {
  const { status, body } = await ask(app, key)
  return status === 200 ? '200' : String(body['code'])
}

/** Makes a key that expires after a day, and brings it into a state. */
async function makeIn (state: string, app: FastifyInstance, clock: Clock) {
  const made = await app.apiKeys.create('ann', { expiresIn: '1d' })
  if (state === 'disabled') await app.apiKeys.update(made.id, { enabled: false })
  if (state === 'revoked') await app.apiKeys.revoke(made.id)
  if (state === 'expired') clock.tick(DAY)
  return made
}

onEachEngine('each state answers and changes as docs/lifecycle.md says', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { apiKeys } = app
  const transitions: Record<string, (id: string) => Promise<unknown>> = {
    'enabled: true': (id) => apiKeys.update(id, { enabled: true }),
    'enabled: false': (id) => apiKeys.update(id, { enabled: false }),
    "expiresIn: '2d'": (id) => apiKeys.update(id, { expiresIn: '2d' }),
    rotate: (id) => apiKeys.rotate(id),
    revoke: (id) => apiKeys.revoke(id),
    'its expiry passes': async () => clock.tick(DAY)
  }
  const [[, , ...names] = [], ...rows] = table('state')
  t.strictSame(names, Object.keys(transitions))
  t.strictSame(rows.map(([state]) => state), ['active', 'disabled', 'expired', 'revoked'])
  for (const [state = '', expected, ...cells] of rows) {
    const { key } = await makeIn(state, app, clock)
    t.equal(await answer(app, key), expected, `a request with one that is ${state}`)
    for (const [i, name] of names.entries()) {
      const { id } = await makeIn(state, app, clock)
      t.equal((await apiKeys.get(id))?.state, state)
      const refusal = await transitions[name]?.(id).then(() => null, (error) => { t.equal(error.statusCode, 409); return error.code })
      const after = (await apiKeys.get(id))?.state
      t.equal(refusal ?? after, cells[i], `${state}, ${name}`)
      if (refusal !== null) t.equal(after, state, 'what is refused changes nothing')
    }
  }
})

onEachEngine('secrets answer as docs/lifecycle.md says', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const older = await app.apiKeys.create('ann')
  const previous = await app.apiKeys.rotate(older.id, { overlap: '1h' })
  const present = await app.apiKeys.rotate(older.id, { overlap: '1h' })
  const during = await answer(app, previous.key)
  clock.tick(HOUR)
  const found = new Map([
    ['the present one', await answer(app, present.key)],
    ['the one before, during the overlap', during],
    ['the one before, after the overlap', await answer(app, previous.key)],
    ['an older one', await answer(app, older.key)]
  ])
  t.strictSame(new Map(table('secret').slice(1).map(([secret = '', expected = '']) => [secret, expected])), found)
})

t.test('profiles refuse as docs/lifecycle.md says', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const before = await server(t, { database, groups: { old: {}, barred: { canUseApi: false } } })
  const keys: string[] = []
  for (const [userId, options] of [['own', { canUseApi: false }], ['grouped', { group: 'barred' }], ['lost', { group: 'old' }], ['gone', {}]] as const) {
    await before.apiKeys.profiles.create(userId, options)
    keys.push((await before.apiKeys.create(userId)).key)
  }
  await before.apiKeys.profiles.delete('gone')
  await before.close()
  const app = await server(t, { database, groups: { barred: { canUseApi: false } } })
  const [own, grouped, lost, gone] = await Promise.all(keys.map((key) => answer(app, key)))
  t.equal(own, grouped)
  t.match(await app.apiKeys.list('gone'), [{ state: 'revoked', revokedReason: 'the profile was deleted' }])
  t.strictSame(table('profile').slice(1).map(([, code]) => code), [own, lost, gone])
})

t.test('the record tells the state also where several hold', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const { id, key } = await app.apiKeys.create('ann', { expiresIn: 1000 })
  await app.apiKeys.update(id, { enabled: false })
  clock.tick(1000)
  t.match(await app.apiKeys.get(id), { state: 'expired', enabled: false })
  t.match(await app.apiKeys.revoke(id, { reason: 'leaked', actor: 'support' }), { state: 'revoked', revokedReason: 'leaked', enabled: false })
  t.equal(await answer(app, key), 'FST_API_KEY_REVOKED')
  t.match(await app.apiKeys.update(id, { name: 'dead', metadata: { case: 7 } }), { name: 'dead', metadata: { case: 7 }, state: 'revoked' })
  t.match(await app.apiKeys.identify(key), { state: 'revoked', name: 'dead' })
  t.equal(await app.apiKeys.identify(generateSecret('ak', 32)), null)
})

t.test('a revocation keeps its first reason and tells of it once, with who did it', async (t) => {
  const app = await server(t)
  const events: unknown[] = []
  app.apiKeys.on('apiKeyRevoked', ({ key, actor, ip }) => events.push([key.revokedReason, actor, ip]))
  const { id } = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(id, { reason: 'leaked', actor: 'support', ip: '192.0.2.1' })
  t.match(await app.apiKeys.revoke(id, { reason: 'again' }), { revokedReason: 'leaked' })
  await app.apiKeys.create('ann')
  const { id: other } = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(other, {}, { actor: 'boss' })
  t.match(await app.apiKeys.revokeAll('ann', { reason: 'left', actor: 'hr' }), [{ state: 'revoked', revokedReason: 'left' }])
  t.strictSame(await app.apiKeys.revokeAll('ann'), [])
  t.strictSame(events, [['leaked', 'support', '192.0.2.1'], [null, 'boss', null], ['left', 'hr', null]])
})

t.test('a key that is not there cannot be changed', async (t) => {
  const { apiKeys } = await server(t)
  const id = '0198abcd-0000-7000-8000-000000000001'
  for (const change of [() => apiKeys.update(id, { enabled: true }), () => apiKeys.revoke(id), () => apiKeys.rotate(id)]) await t.rejects(change(), { code: 'FST_API_KEY_NOT_FOUND', statusCode: 404 })
})

t.test('an update tells of what changed, and of nothing when nothing did', async (t) => {
  const app = await server(t)
  const events: unknown[] = []
  app.apiKeys.on('apiKeyUpdated', ({ key, actor }) => events.push([key.name, key.enabled, key.metadata, actor]))
  const { id } = await app.apiKeys.create('ann', { name: 'a', metadata: { team: 'x' } })
  await app.apiKeys.update(id, { name: 'a', enabled: true, metadata: { team: 'x' }, scopes: [], expiresAt: null, allowedIps: null })
  await app.apiKeys.update(id, {})
  await app.apiKeys.update(id, { enabled: false, metadata: null }, { actor: 'boss' })
  t.strictSame(events, [['a', false, null, 'boss']])
})

t.test('what was checked cannot be changed before it is stored, nor through a record', async (t) => {
  const app = await server(t, { autoProfile: async () => true })
  const options = { scopes: ['a'], metadata: { deep: { list: [1] } }, allowedIps: ['::1'] }
  const making = app.apiKeys.create('ann', options)
  options.scopes.push('admin')
  options.metadata.deep.list.push(2)
  const made = await making
  t.match(made, { scopes: ['a'], metadata: { deep: { list: [1] } } })
  t.equal(made.scopes.length, 1)
  t.strictSame((await app.apiKeys.get(made.id))?.metadata, { deep: { list: [1] } })
})

onEachEngine('pruning takes what has been dead for that long', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { apiKeys } = app
  const revoked = await apiKeys.create('ann')
  const expired = await apiKeys.create('ann', { expiresIn: '1d' })
  await apiKeys.createMany(Array.from({ length: 600 }, () => ({ userId: 'bob' })))
  const live = await apiKeys.create('ann')
  await apiKeys.revoke(revoked.id)
  await apiKeys.profiles.delete('bob')
  clock.tick(30 * DAY - 1)
  t.equal(await apiKeys.prune({ olderThan: '30d' }), 0)
  clock.tick(1)
  t.equal(await apiKeys.prune({ olderThan: '30d' }), 601)
  t.strictSame((await apiKeys.list('ann')).map(({ id }) => id).toSorted(), [expired.id, live.id].toSorted())
  t.strictSame(await apiKeys.list('bob'), [])
  clock.tick(DAY)
  t.equal(await apiKeys.prune({ olderThan: '30d' }), 1)
  t.equal(await apiKeys.identify(expired.key), null)
  t.equal((await apiKeys.get(live.id))?.state, 'active')
})
