import { median } from '../statistics.js'

/**
 * A row's figures over all rounds. Ratios are taken within each round, against bare Fastify a few seconds away.
 *
 * @typedef {object} Summary
 * @property {string} id
 * @property {string} title
 * @property {number} rate requests a second, median
 * @property {number} p50 milliseconds, median
 * @property {number} p99 milliseconds, median
 * @property {number} ofBare median of the ratio of the requests a second
 * @property {number} p99OfBare median of the ratio of the p99
 * @property {number} cpu share of one processor that the server used, median
 * @property {number} cost processor time of the server for one request, microseconds, median
 * @property {number} rss resident memory after the last round, bytes
 * @property {number} unexpected answers with another status than the expected one
 * @property {number} errors
 * @property {string | null} invalid why the figures say nothing; null when they do
 * @property {readonly import('../rounds.js').Sample[]} samples
 */

/**
 * @param {import('../rounds.js').Lane} lane
 * @param {import('../rounds.js').Lane} bare
 * @returns {Summary}
 */
export function summarise ({ row, samples, problem }, bare) {
  const unexpected = sum(samples.map((sample) => sample.unexpected))
  const errors = sum(samples.map((sample) => sample.errors))
  return {
    id: row.id,
    title: row.title,
    rate: median(samples.map(({ rate }) => rate)),
    p50: median(samples.map(({ p50 }) => p50)),
    p99: median(samples.map(({ p99 }) => p99)),
    ofBare: ratio(samples, bare.samples, 'rate'),
    p99OfBare: ratio(samples, bare.samples, 'p99'),
    cpu: median(samples.map(({ cpu }) => cpu)),
    cost: median(samples.map(({ cpu, rate }) => cpu / rate * 1e6)),
    rss: samples.at(-1)?.rss ?? 0,
    unexpected,
    errors,
    invalid: problem ?? (unexpected + errors > 0 ? `${unexpected} answers were not ${row.status}, ${errors} errors` : null),
    samples
  }
}

/**
 * Median over the rounds of one figure's ratio to that of another server in the same round.
 *
 * @param {readonly import('../rounds.js').Sample[]} samples
 * @param {readonly import('../rounds.js').Sample[]} others
 * @param {'rate' | 'p99'} figure
 */
export function ratio (samples, others, figure) {
  return median(samples.map((sample, i) => sample[figure] / (others[i]?.[figure] ?? NaN)))
}

/** @param {readonly number[]} values */
function sum (values) {
  return values.reduce((total, value) => total + value, 0)
}
