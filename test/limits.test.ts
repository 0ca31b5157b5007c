import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { server } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { forkNode } from './helpers/processes.js'

const CREATOR = fileURLToPath(new URL('helpers/creator.js', import.meta.url))

t.test('100 parallel creates against a limit of 5 make exactly 5', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 5 })
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => apiKeys.create('ann')))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
  t.ok(results.every((result) => result.status === 'fulfilled' || result.reason.code === 'FST_API_KEY_LIMIT_REACHED'))
  t.equal((await apiKeys.list('ann')).length, 5)
})

t.test('so do 50 and 50 in two processes on one file', async (t) => {
  const module = compiled(t)
  const file = join(t.testdirName, 'keys.db')
  const children = [1, 2].map(() => forkNode(CREATOR, module, file, 'ann', '50', '5'))
  await Promise.all(children.map((child) => once(child, 'message')))
  const answers = children.map((child) => once(child, 'message'))
  for (const child of children) child.send('go')
  const results = (await Promise.all(answers)).flatMap(([results]) => results)
  t.equal(results.length, 100)
  t.equal(results.filter((result) => result === 'made').length, 5)
  t.equal(results.filter((result) => result === 'FST_API_KEY_LIMIT_REACHED').length, 95)
  const { apiKeys } = await server(t, { database: file })
  t.equal((await apiKeys.list('ann')).length, 5)
})

t.test('many batches at once never pass the limit, and each is whole or absent', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 10 })
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => apiKeys.createMany(Array.from({ length: 3 }, () => ({ userId: 'ann' })))))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 3)
  t.equal((await apiKeys.list('ann')).length, 9)
})

t.test('the error tells the limit that holds: the own one of the profile or else that of the option', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 1 })
  await apiKeys.create('ann')
  await t.rejects(apiKeys.create('ann'), { statusCode: 409, message: 'The user "ann" may hold 1 live API keys and cannot make another' })
  await apiKeys.profiles.create('bob', { maxKeys: 0 })
  await t.rejects(apiKeys.create('bob'), { message: /may hold 0 live API keys/ })
})

t.test('revoked keys make room', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 2 })
  const { id } = await apiKeys.create('ann')
  await apiKeys.create('ann')
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' })
  await apiKeys.revoke(id)
  t.ok(await apiKeys.create('ann'))
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' })
})

t.test('a profile of its own limit may hold fewer or more, and a lower limit takes no key away', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 1 })
  await apiKeys.profiles.create('ann', { maxKeys: 3 })
  for (let i = 0; i < 3; i++) await apiKeys.create('ann')
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' })
  await apiKeys.profiles.update('ann', { maxKeys: -1 })
  await apiKeys.create('ann')
  await apiKeys.profiles.update('ann', { maxKeys: 2 })
  t.equal((await apiKeys.list('ann')).filter(({ state }) => state === 'active').length, 4)
  await t.rejects(apiKeys.create('ann'), { message: /may hold 2 live/ })
})
