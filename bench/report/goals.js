import { ratio } from './summary.js'

/**
 * A goal, and whether this run met it; null where the run did not measure it, or not reliably.
 *
 * @typedef {object} Verdict
 * @property {string} figure
 * @property {string} goal
 * @property {string} measured
 * @property {boolean | null} met
 */

/**
 * @param {readonly import('./summary.js').Summary[]} summaries
 * @param {import('../inprocess.js').InProcess | null} inProcess
 * @param {boolean} tellsApart whether the load generator is fast enough to tell fast servers apart
 * @returns {Verdict[]}
 */
export function judgeGoals (summaries, inProcess, tellsApart) {
  if (!tellsApart) return judgeInProcess(inProcess)
  const warm = against(summaries, 'warm', 'bare', 'rate')
  const bearer = against(summaries, 'warm', 'bearer-1', 'rate')
  const betterAuth = against(summaries, 'warm', 'better-auth', 'rate')
  const postgres = against(summaries, 'postgres', 'warm', 'rate')
  const p99 = against(summaries, 'warm', 'bare', 'p99')
  return [
    ratioVerdict('requests/s with warm cache, of bare Fastify', 'at least 0.90', warm, 3, (value) => value >= 0.9),
    ratioVerdict('the same, of @fastify/bearer-auth with one key', 'at least 1.0', bearer, 3, (value) => value >= 1),
    ratioVerdict('the same, of better-auth', 'at least 40', betterAuth, 1, (value) => value >= 40),
    ratioVerdict('requests/s with warm cache on PostgreSQL, of the same on SQLite', 'at least 0.97', postgres, 3, (value) => value >= 0.97),
    ratioVerdict('p99 with warm cache, of bare Fastify', 'at most 1.25', p99, 2, (value) => value <= 1.25),
    ...judgeInProcess(inProcess)
  ]
}

/**
 * @param {import('../inprocess.js').InProcess | null} inProcess
 * @returns {Verdict[]}
 */
function judgeInProcess (inProcess) {
  return [
    judgeCacheOff(inProcess),
    verdict('memory for a cached key, bytes', 'at most 600', inProcess?.bytes, 0, (value) => value <= 600),
    verdict('createMany of 100,000 keys, seconds', 'at most 3', inProcess?.createMany, 2, (value) => value <= 3)
  ]
}

/**
 * @param {import('../inprocess.js').InProcess | null} inProcess
 * @returns {Verdict}
 */
function judgeCacheOff (inProcess) {
  const figure = 'verifications/s in process, cache off'
  const goal = 'at least 60,000, or 1.25 of the driver\'s time'
  if (inProcess === null) return { figure, goal, measured: 'not measured', met: null }
  const { cacheOff, ofRaw } = inProcess
  return { figure, goal, measured: `${Math.round(cacheOff)}, ${ofRaw.toFixed(2)}`, met: cacheOff >= 60_000 || ofRaw <= 1.25 }
}

/**
 * @param {string} figure
 * @param {string} goal
 * @param {number | undefined} value
 * @param {number} digits
 * @param {(value: number) => boolean} test
 * @returns {Verdict}
 */
export function verdict (figure, goal, value, digits, test) {
  if (value === undefined) return { figure, goal, measured: 'not measured', met: null }
  return { figure, goal, measured: value.toFixed(digits), met: test(value) }
}

/**
 * Judges a ratio, unless every round was disturbed.
 *
 * @param {string} figure
 * @param {string} goal
 * @param {ReturnType<typeof ratio> | undefined} measured
 * @param {number} digits
 * @param {(value: number) => boolean} test
 * @returns {Verdict}
 */
function ratioVerdict (figure, goal, measured, digits, test) {
  const judged = verdict(figure, goal, measured?.value, digits, test)
  return measured === undefined || measured.isReliable ? judged : { ...judged, measured: `${judged.measured} (disturbed)`, met: null }
}

/**
 * @param {readonly import('./summary.js').Summary[]} summaries
 * @param {string} id
 * @param {string} other
 * @param {'rate' | 'p99'} figure
 */
function against (summaries, id, other, figure) {
  const [a, b] = [id, other].map((id) => summaries.find((summary) => summary.id === id && summary.invalid === null))
  return a === undefined || b === undefined ? undefined : ratio(a.samples, b.samples, figure)
}
