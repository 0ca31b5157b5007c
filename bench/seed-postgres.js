/*
 * The same as seed.js for a PostgreSQL: many keys in the database, and a file with those that are sent.
 */
import { writeFileSync } from 'node:fs'
import { batch, open } from './database.js'
import { shuffle } from './random.js'

const [folder = '', count = '', used = '', url = ''] = process.argv.slice(2)

const app = await open(url)
const made = await app.apiKeys.createMany(batch(Number(count)))
await app.close()
writeFileSync(`${folder}/postgres.txt`, shuffle(made).slice(0, Number(used)).map(({ key }) => `${key}\n`).join(''))
