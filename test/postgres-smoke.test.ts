import t from 'tap'
import Fastify from 'fastify'
import apiKey from '../lib/index.js'
import { freshSchema } from './helpers/postgres.js'

t.test('smoke', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const app = Fastify({ logger: true })
  t.teardown(() => app.close())
  await app.register(apiKey, { database: url, schema })
  app.get('/', async (request) => request.apiUser)
  const key = await app.apiKeys.create('ann', { name: 'x' })
  const many = await app.apiKeys.createMany([{ userId: 'bob' }, { userId: 'ann' }])
  t.equal(many.length, 2)
  const call = () => app.inject({ url: '/', headers: { 'x-api-authorization': key.key } })
  t.equal((await call()).statusCode, 200)
  t.equal((await call()).statusCode, 200)
  await app.apiKeys.flush()
  console.log(await app.apiKeys.list('ann'), await app.apiKeys.profiles.list())
  await client.query(`update ${schema}.api_keys set revoked_at = 1 where id = $1`, [key.id])
  t.equal((await call()).statusCode, 401)
  await app.apiKeys.logout(key.id)
  await app.apiKeys.profiles.delete('ann')
})
