import { copyFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendLoad } from './load/generator.js'
import { busyTime, treeTime } from './load/processors.js'
import { Server } from './load/server.js'

/** How long this package may put off a write, in milliseconds, and a little more. */
const LAST_WRITE = 1200

/** Below this share of a processor a server counts as idle. */
const IDLE = 0.03

/**
 * What one round saw of one server.
 *
 * @typedef {object} Sample
 * @property {number} rate requests a second
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} cpu share of one processor that the server used
 * @property {number} generatorCpu the same of the load generator
 * @property {number | null} others what other programs took of the two processors, as a share of one; null where that cannot be told
 * @property {number} rss resident memory afterwards, bytes
 * @property {number} unexpected answers other than the expected one
 * @property {number} errors of connections, and time-outs
 */

/**
 * A row's server, running.
 *
 * @typedef {object} Lane
 * @property {import('./rows.js').Row} row
 * @property {Server} server
 * @property {string} file its credentials
 * @property {number | null} database the process of its database server, whose time is not that of other programs
 * @property {Sample[]} samples
 * @property {string | null} problem what warming up found wrong
 */

/**
 * Starts a row's server.
 *
 * @param {import('./rows.js').Row} row
 * @param {string} folder that of the fixture
 * @param {{ url: string, pid: number } | null} postgres for the rows that use it
 * @returns {Promise<Lane>}
 */
export async function startLane (row, folder, postgres) {
  const own = `${folder}/${row.id}`
  const remote = row.credentials === 'postgres' ? postgres : null
  if (row.server === 'apikey' && remote === null) copyFileSync(`${folder}/seed.db`, `${own}.db`)
  const server = await Server.start(row.server, { options: row.options, database: remote?.url ?? `${own}.db`, credentials: `${own}.txt` })
  return { row, server, database: remote?.pid ?? null, file: row.credentials === 'own' ? `${own}.txt` : `${folder}/${row.credentials}.txt`, samples: [], problem: null }
}

/**
 * Warms a server up, and makes sure that each answer has the status that is expected, which wrk tells only when it is
 * slowed down.
 *
 * @param {Lane} lane
 * @param {number} seconds
 */
export async function warmUp (lane, seconds) {
  const { row, server, file } = lane
  const { statuses, errors } = await sendLoad({ port: server.port, header: row.header, file, seconds, counts: true })
  await settle(server)
  const isExpected = Object.keys(statuses).join() === String(row.status)
  if (!isExpected || errors > 0) lane.problem = `while warming up, answers were ${JSON.stringify(statuses)} instead of ${row.status}, and ${errors} errors`
}

/**
 * Measures a server once.
 *
 * @param {Lane} lane
 * @param {number} seconds
 * @returns {Promise<Sample>}
 */
export async function measure ({ row, server, database, file, samples }, seconds) {
  const before = await server.usage()
  const databaseTime = () => database === null ? 0 : treeTime(database)
  const databaseBefore = databaseTime()
  const busyBefore = busyTime()
  const load = await sendLoad({ port: server.port, header: row.header, file, seconds, counts: false })
  const busyAfter = busyTime()
  const databaseCpu = databaseTime() - databaseBefore
  const after = await server.usage()
  const cpu = after.cpu - before.cpu
  const sample = {
    rate: load.requests / load.seconds,
    p50: load.p50,
    p99: load.p99,
    cpu: cpu / load.seconds,
    generatorCpu: load.cpu / load.seconds,
    others: busyBefore === null || busyAfter === null ? null : Math.max(0, busyAfter - busyBefore - cpu - load.cpu - databaseCpu) / load.seconds,
    rss: after.rss,
    unexpected: row.status < 400 ? load.refused : load.requests - load.refused,
    errors: load.errors
  }
  samples.push(sample)
  await settle(server)
  return sample
}

/** Waits until a server has nothing left to do, such as writing last uses, so that it takes no time from the next one. */
async function settle (/** @type {Server} */ server) {
  for (let busy = true; busy;) {
    const before = await server.usage()
    await sleep(LAST_WRITE)
    busy = (await server.usage()).cpu - before.cpu > LAST_WRITE / 1000 * IDLE
  }
}
