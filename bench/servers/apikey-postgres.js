import { writeFileSync } from 'node:fs'
import { batch } from '../database.js'
import { apiKey } from '../package.js'
import { shuffle } from '../random.js'
import { order, serve } from './serve.js'

const { keys, used } = /** @type {{ keys: number, used: number }} */ (order.options)

await serve(async (app) => {
  await app.register(apiKey, { database: order.database, pages: false })
  const made = await app.apiKeys.createMany(batch(keys))
  writeFileSync(order.credentials, shuffle(made.map(({ key }) => key)).slice(0, used).map((key) => `${key}\n`).join(''))
})
