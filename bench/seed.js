/*
 * Makes what the servers of this package need, in a process of its own, so that none of them starts with its garbage:
 * a database with many keys, and files with the credentials that are sent.
 */
import { writeFileSync } from 'node:fs'
import { batch, open } from './database.js'
import { shuffle } from './random.js'

const [folder = '', count = '', used = ''] = process.argv.slice(2)

const app = await open(`${folder}/seed.db`)
const made = await app.apiKeys.createMany(batch(Number(count)))
const all = shuffle(made.map(({ key }) => key))
const good = all.slice(0, Number(used))
await app.close()

// Keys of another database are well formed, and nobody knows them here.
const stranger = await open(':memory:')
const unknown = (await stranger.apiKeys.createMany(batch(good.length))).map(({ key }) => key)
await stranger.close()

const mistyped = good.map((key) => key.slice(0, -1) + (key.endsWith('x') ? 'y' : 'x'))
for (const [name, lines] of Object.entries({ all, good, unknown, mistyped })) writeFileSync(`${folder}/${name}.txt`, lines.join('\n') + '\n')
