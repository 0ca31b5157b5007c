import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { GENERATOR, pinned } from './pin.js'

/**
 * What one run of the generator saw.
 *
 * @typedef {object} Load
 * @property {number} requests
 * @property {number} seconds
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} refused answers of 400 and above
 * @property {number} errors of connections, and time-outs
 * @property {number} cpu processor time of the generator, seconds
 * @property {Record<string, number>} statuses answers of each status; empty unless they were to be counted
 */

const CONNECTIONS = 50

const wrk = spawnSync('wrk', ['-v'], { encoding: 'utf8' })

/** Which generator is used. */
export const generator = {
  isWrk: wrk.error === undefined,
  name: wrk.error === undefined ? /^wrk \S+/.exec(wrk.stdout)?.[0] ?? 'wrk' : 'autocannon',
  /** What to know about the figures it gives; null when nothing. */
  warning: wrk.error === undefined
    ? null
    : 'wrk was not found. autocannon is slower than the servers, so it hides the differences between the fast ones, and the goals for them are not judged.',
  connections: CONNECTIONS
}

/**
 * Sends requests to a server for some seconds, each with the next credential of a file.
 *
 * @param {{ port: number, header: string, file: string, seconds: number, counts: boolean, polling: string | null }} task
 * `counts` counts each status, which slows wrk down and is meant for warming up; `polling` is the library that keeps wrk awake
 * @returns {Promise<Load>}
 */
export async function sendLoad ({ port, header, file, seconds, counts, polling }) {
  const url = `http://127.0.0.1:${port}/`
  const command = generator.isWrk
    ? ['wrk', '-t', '1', '-c', `${CONNECTIONS}`, '-d', `${seconds}s`, '--timeout', '10s', '-s', pathOf('wrk.lua'), url, '--', file, header, '1', counts ? 'count' : '']
    : [process.execPath, pathOf('autocannon.js'), url, `${CONNECTIONS}`, `${seconds}`, file, header]
  const env = polling === null ? process.env : { ...process.env, LD_PRELOAD: polling }
  const { stdout } = await promisify(execFile)(...pinned(GENERATOR, command), { env })
  const result = /^RESULT (.+)$/m.exec(stdout)?.[1]
  if (result === undefined) throw new Error(`the load generator gave no result:\n${stdout}`)
  return JSON.parse(result)
}

/** @param {string} file */
function pathOf (file) {
  return fileURLToPath(new URL(file, import.meta.url))
}
