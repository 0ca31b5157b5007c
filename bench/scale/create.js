/*
 * Makes more keys where many are, in calls of 10,000 each. Arguments: file, number of the first new key.
 */
import { batch, open } from '../database.js'
import { median } from '../statistics.js'

const CHUNK = 10_000
const CHUNKS = 5

const [file = '', first = ''] = process.argv.slice(2)
const app = await open(file)
const rates = []
for (let i = 0; i < CHUNKS; i++) {
  const keys = batch(CHUNK, Number(first) + i * CHUNK)
  const start = performance.now()
  await app.apiKeys.createMany(keys)
  rates.push(CHUNK / (performance.now() - start) * 1000)
}
process.stdout.write(JSON.stringify({ rate: median(rates) }))
await app.close()
