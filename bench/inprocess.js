/*
 * Figures without HTTP, in a process of its own, started with --expose-gc.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { batch, open } from './database.js'
import { digestOf, internalsOf } from './package.js'
import { shuffle } from './random.js'
import { median } from './statistics.js'

/**
 * @typedef {object} InProcess
 * @property {number} createMany seconds for `keys` keys in one call
 * @property {number} keys
 * @property {number} cacheOff verifications a second without a cache
 * @property {number} raw look-ups a second by the driver alone, with the same statement
 * @property {number} ofRaw how much longer a verification takes than the driver's look-up
 * @property {number} warm verifications a second from the cache
 * @property {number} bytes heap for one cached key
 */

const ROUNDS = 5
const [folder = ''] = process.argv.slice(2)
const secrets = readFileSync(`${folder}/all.txt`, 'utf8').trim().split('\n')
const file = `${folder}/inprocess.db`
copyFileSync(`${folder}/seed.db`, file)

/** @type {InProcess} */
const result = { keys: secrets.length, createMany: await timeCreateMany(), ...await compareWithDriver(), ...await fillCache() }
process.stdout.write(JSON.stringify(result))

async function timeCreateMany () {
  const seconds = []
  for (let i = 0; i < 3; i++) {
    const app = await open(`${folder}/created-${i}.db`)
    const start = performance.now()
    await app.apiKeys.createMany(batch(secrets.length))
    seconds.push((performance.now() - start) / 1000)
    await app.close()
  }
  return median(seconds)
}

/** Verifies each key once a round, and finds it by the driver alone, with its digest at hand. */
async function compareWithDriver () {
  const client = new Database(file)
  const lookUp = client.prepare(await captureLookUp()).raw()
  const keys = secrets.map((secret) => ({ secret, digest: Buffer.from(digestOf(secret), 'latin1') }))
  const app = await open(file, { cache: false })
  /** @type {number[]} */
  const ours = []
  /** @type {number[]} */
  const raw = []
  for (let round = 0; round < ROUNDS; round++) {
    const order = shuffle(keys)
    ours.push(rateOf(order, ({ secret }) => internalsOf(app.apiKeys).admission.check(secret)))
    raw.push(rateOf(order, ({ digest }) => lookUp.get(digest, digest)))
  }
  await app.close()
  client.close()
  return { cacheOff: median(ours), raw: median(raw), ofRaw: median(raw.map((rate, i) => rate / (ours[i] ?? NaN))) }
}

/** The statement that the package itself prepares to find a key. */
async function captureLookUp () {
  const client = new Database(file)
  const prepare = client.prepare.bind(client)
  /** @type {string[]} */
  const statements = []
  Object.defineProperty(client, 'prepare', {
    value: (/** @type {string} */ text) => {
      statements.push(text)
      return prepare(text)
    }
  })
  const app = await open(client)
  await app.close()
  const statement = statements.find((text) => /^select\b.*\bwhere\b.*digest"? = \?.*digest"? = \?/i.test(text))
  if (statement === undefined) throw new Error('the statement that finds a key was not seen')
  client.close()
  return statement
}

/** Uses each key once, as requests do, and tells what that leaves on the heap once the uses are written. */
async function fillCache () {
  // Twice as many, since the cache gives up what was not used lately from half of its size on.
  const app = await open(file, { cache: { max: 2 * secrets.length } })
  const [first = ''] = secrets
  await app.apiKeys.verify(first, { ip: '127.0.0.1' })
  const before = heap()
  for (const secret of secrets) await app.apiKeys.verify(secret, { ip: '127.0.0.1' })
  await app.apiKeys.flush()
  const bytes = (heap() - before) / secrets.length
  const rates = Array.from({ length: ROUNDS }, () => rateOf(secrets, (secret) => internalsOf(app.apiKeys).admission.check(secret)))
  await app.close()
  return { bytes, warm: median(rates) }
}

function heap () {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/**
 * How often a second an action is done, doing it once for each item.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => unknown} action
 */
function rateOf (items, action) {
  const start = performance.now()
  for (const item of items) action(item)
  return items.length / (performance.now() - start) * 1000
}
