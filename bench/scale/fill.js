/*
 * Makes a database with many keys, by inserting rows directly, since ten million by createMany take long. The indexes
 * are there from the start, so that they grow as they do in life; only durability is given up meanwhile.
 * Arguments: file, number of keys, number of keys to remember, where.
 */
import { writeFileSync } from 'node:fs'
import { freemem } from 'node:os'
import Database from 'better-sqlite3'
import { v7 as uuid } from 'uuid'
import { batch, KEYS_OF_A_USER, open } from '../database.js'
import { digestOf, generateSecret, startOf } from '../package.js'
import { shuffle } from '../random.js'

/** @typedef {Record<string, unknown>} Values */

const [file = '', count = '', size = '', list = ''] = process.argv.slice(2)
const keys = Number(count)
const users = keys / KEYS_OF_A_USER
const step = keys / Number(size)

const [secret] = await makeFirstUser()
const start = performance.now()
const client = new Database(file)
client.pragma('journal_mode = DELETE')
client.pragma('journal_mode = OFF')
client.pragma('synchronous = OFF')
client.pragma(`cache_size = ${-Math.round(freemem() / 2 / 1024)}`)
const profile = /** @type {Values} */ (client.prepare('SELECT * FROM api_key_profiles').get())
const key = /** @type {Values} */ (client.prepare('SELECT * FROM api_keys').get())
const use = /** @type {Values} */ (client.prepare('SELECT * FROM api_key_uses').get())

const secrets = client.transaction(() => [...insertProfiles(), ...insertKeys()])()
client.close()
writeFileSync(list, shuffle(secrets).join('\n') + '\n')
process.stdout.write(JSON.stringify({ rate: keys / (performance.now() - start) * 1000 }))

/** The rows of one key made and used as usual are the pattern for all others, whatever columns there are. */
async function makeFirstUser () {
  const app = await open(file)
  const made = await app.apiKeys.createMany(batch(1))
  for (const { key } of made) await app.apiKeys.verify(key, { ip: '127.0.0.1' })
  await app.close()
  return made.map(({ key }) => key)
}

/** @returns {string[]} the secret of the key that is there */
function insertProfiles () {
  const insert = inserter('api_key_profiles', profile)
  for (let i = 1; i < users; i++) insert({ ...profile, id: Number(profile['id']) + i, user_id: `user-${i}` })
  return secret === undefined ? [] : [secret]
}

/** One key for each user, then the next for each, and so on, each used once. Returns some secrets from all over. */
function insertKeys () {
  const insert = inserter('api_keys', key)
  const insertUse = inserter('api_key_uses', use)
  const remembered = []
  for (let i = 1; i < keys; i++) {
    const secret = generateSecret('ak', 32)
    const id = uuid()
    insert({
      ...key,
      id,
      profile_id: Number(profile['id']) + i % users,
      name: `key ${i}`,
      start: startOf(secret),
      digest: Buffer.from(digestOf(secret), 'latin1')
    })
    insertUse({ ...use, key_id: id })
    if (i % step === 0) remembered.push(secret)
  }
  return remembered
}

/**
 * @param {string} table
 * @param {Values} pattern
 * @returns {(row: Values) => void}
 */
function inserter (table, pattern) {
  const columns = Object.keys(pattern)
  const statement = client.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`)
  return (row) => { statement.run(row) }
}
