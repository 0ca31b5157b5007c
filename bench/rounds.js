import { copyFileSync, rmSync } from 'node:fs'
import { sendLoad } from './load/generator.js'
import { busyTime, treeTime } from './load/processors.js'
import { Server } from './load/server.js'

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
 * A row, and what was seen of its servers.
 *
 * @typedef {object} Lane
 * @property {import('./rows.js').Row} row
 * @property {Sample[]} samples
 * @property {string | null} problem what warming up found wrong
 */

/**
 * What a round needs.
 *
 * @typedef {object} Setting
 * @property {string} folder that of the fixture
 * @property {{ url: string, pid: number } | null} postgres for the rows that use it
 * @property {string | null} polling what keeps the load generator awake; null where answers wake it
 * @property {number} warmUp seconds
 * @property {number} seconds how long is measured
 */

/**
 * Starts a row's server, warms it up, measures it, and stops it. A new process each time: where the memory of one happens to lie
 * makes it faster or slower than the next by more than what is to be measured, for as long as it runs.
 *
 * @param {Lane} lane
 * @param {Setting} setting
 * @returns {Promise<Sample>}
 */
export async function measure (lane, setting) {
  const { row } = lane
  const own = `${setting.folder}/${row.id}`
  const remote = row.credentials === 'postgres' ? setting.postgres : null
  if (row.server === 'apikey' && remote === null) copyFileSync(`${setting.folder}/seed.db`, `${own}.db`)
  const server = await Server.start(row.server, { options: row.options, database: remote?.url ?? `${own}.db`, credentials: `${own}.txt` })
  try {
    const task = { port: server.port, header: row.header, polling: setting.polling, file: row.credentials === 'own' ? `${own}.txt` : `${setting.folder}/${row.credentials}.txt` }
    lane.problem ??= await warmUp(row, task, setting.warmUp)
    // The time of the database server is not that of other programs.
    const sample = await observe(row, server, { ...task, seconds: setting.seconds }, remote?.pid ?? null)
    lane.samples.push(sample)
    return sample
  } finally {
    await server.stop()
    for (const end of ['', '-wal', '-shm']) rmSync(`${own}.db${end}`, { force: true })
  }
}

/** @typedef {{ port: number, header: string, file: string, polling: string | null }} Task */

/**
 * Warms a server up, and makes sure that each answer has the status that is expected, which wrk tells only when it is
 * slowed down.
 *
 * @param {import('./rows.js').Row} row
 * @param {Task} task
 * @param {number} seconds
 * @returns {Promise<string | null>} what is wrong
 */
async function warmUp ({ status }, task, seconds) {
  const { statuses, errors } = await sendLoad({ ...task, seconds, counts: true })
  const isExpected = Object.keys(statuses).join() === String(status)
  return isExpected && errors === 0 ? null : `while warming up, answers were ${JSON.stringify(statuses)} instead of ${status}, and ${errors} errors`
}

/**
 * @param {import('./rows.js').Row} row
 * @param {Server} server
 * @param {Task & { seconds: number }} task
 * @param {number | null} database the process of its database server
 * @returns {Promise<Sample>}
 */
async function observe (row, server, task, database) {
  const before = await server.usage()
  const databaseTime = () => database === null ? 0 : treeTime(database)
  const databaseBefore = databaseTime()
  const busyBefore = busyTime()
  const load = await sendLoad({ ...task, counts: false })
  const busyAfter = busyTime()
  const databaseCpu = databaseTime() - databaseBefore
  const after = await server.usage()
  const cpu = after.cpu - before.cpu
  return {
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
}
