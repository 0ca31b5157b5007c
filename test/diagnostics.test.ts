import diagnostics from 'node:diagnostics_channel'
import t from 'tap'
import type { ApiKeyEvents } from '../lib/index.js'
import { ask, server } from './helpers/app.js'

const names = Object.keys({
  apiUserCreated: true,
  apiUserUpdated: true,
  apiUserDeleted: true,
  apiKeyCreated: true,
  apiKeyUpdated: true,
  apiKeyRotated: true,
  apiKeyRevoked: true,
  apiUserLoggedIn: true,
  apiUserLoggedOut: true
} satisfies Record<keyof ApiKeyEvents, true>) as (keyof ApiKeyEvents)[]

t.test('every event is published on its channel with the payload that listeners get', async (t) => {
  const app = await server(t)
  const heard: [string, unknown][] = []
  const published: [string, unknown][] = []
  for (const name of names) {
    app.apiKeys.on(name, (payload: unknown) => heard.push([name, payload]))
    const hear = (payload: unknown) => published.push([name, payload])
    diagnostics.subscribe(`fastify-apikey.${name}`, hear)
    t.teardown(() => diagnostics.unsubscribe(`fastify-apikey.${name}`, hear))
  }
  await driveEveryEvent(app)
  t.strictSame([...new Set(published.map(([name]) => name))].sort(), [...names].sort())
  t.equal(published.length, heard.length)
  t.ok(published.every(([name, payload], i) => name === heard[i]?.[0] && payload === heard[i]?.[1]))
})

t.test('a login is published when only a channel is heard, and made for nobody when none is', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann')
  const published: unknown[] = []
  const hear = (payload: unknown) => published.push(payload)
  diagnostics.subscribe('fastify-apikey.apiUserLoggedIn', hear)
  await ask(app, key)
  diagnostics.unsubscribe('fastify-apikey.apiUserLoggedIn', hear)
  await ask(app, key)
  t.match(published, [{ user: { id: 'ann' }, ip: '127.0.0.1', isNew: true }])
  t.equal(published.length, 1)
})

/** Does everything that an event tells of. */
async function driveEveryEvent (app: Awaited<ReturnType<typeof server>>): Promise<void> {
  const { id, key } = await app.apiKeys.create('ann')
  await ask(app, key)
  await app.apiKeys.logout(id)
  await app.apiKeys.update(id, { name: 'renamed' })
  await app.apiKeys.rotate(id)
  await app.apiKeys.profiles.update('ann', { maxKeys: 5 })
  await app.apiKeys.profiles.delete('ann')
}
