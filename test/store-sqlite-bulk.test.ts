import { drizzle } from 'drizzle-orm/better-sqlite3'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { prepareBulk } from '../lib/store/sqlite/database.js'
import { profiles } from '../lib/store/sqlite/schema.js'
import { server } from './helpers/app.js'
import { connection } from './helpers/sqlite.js'

t.test('a bulk statement takes values by name beside those it was written with, and tells how many rows it changed', async (t) => {
  const client = connection(t, ':memory:')
  const { apiKeys } = await server(t, { database: client })
  await apiKeys.profiles.create('ann')
  const db = drizzle(client)
  const limit = prepareBulk(db, db.update(profiles).set({ maxKeys: 5 }).where(eq(profiles.userId, sql.placeholder('userId'))))
  t.equal(limit({ userId: 'ann' }), 1)
  t.equal(limit({ userId: 'bob' }), 0)
  t.match(await apiKeys.profiles.get('ann'), { maxKeys: 5 })
})
