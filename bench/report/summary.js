import { median } from '../statistics.js'

/** From this share of a processor on, other programs disturbed a measurement. */
const DISTURBED = 0.1

/**
 * A row's figures over all rounds in which nothing disturbed it, or over all if there is no such round. Ratios are taken within each round, against bare Fastify a few seconds away.
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
 * @property {number} generatorCpu the same of the load generator
 * @property {number} clean in how many rounds nothing else disturbed the measurement
 * @property {number} cost processor time of the server for one request, microseconds, median
 * @property {number} rss resident memory after the last round, bytes
 * @property {number} unexpected answers with another status than the expected one
 * @property {number} errors
 * @property {string | null} invalid why the figures say nothing; null when they do
 * @property {readonly Sample[]} samples
 */

/** @typedef {import('../rounds.js').Sample} Sample */

/**
 * @param {import('../rounds.js').Lane} lane
 * @param {import('../rounds.js').Lane} bare
 * @returns {Summary}
 */
export function summarise ({ row, samples, problem }, bare) {
  const unexpected = sum(samples.map((sample) => sample.unexpected))
  const errors = sum(samples.map((sample) => sample.errors))
  const clean = samples.filter(isClean)
  /** @type {(value: (sample: Sample) => number) => number} */
  const middle = (value) => median((clean.length > 0 ? clean : samples).map(value))
  return {
    id: row.id,
    title: row.title,
    rate: middle(({ rate }) => rate),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    ofBare: ratio(samples, bare.samples, 'rate').value,
    p99OfBare: ratio(samples, bare.samples, 'p99').value,
    cpu: middle(({ cpu }) => cpu),
    generatorCpu: middle(({ generatorCpu }) => generatorCpu),
    clean: clean.length,
    cost: middle(({ cpu, rate }) => cpu / rate * 1e6),
    rss: samples.at(-1)?.rss ?? 0,
    unexpected,
    errors,
    invalid: problem ?? (unexpected + errors > 0 ? `${unexpected} answers were not ${row.status}, ${errors} errors` : null),
    samples
  }
}

/**
 * Median of one figure's ratio to that of another server in the same round, over the rounds in which neither was disturbed,
 * or over all if there is no such round, and then it is not to be relied on.
 *
 * @param {readonly Sample[]} samples
 * @param {readonly Sample[]} others
 * @param {'rate' | 'p99'} figure
 */
export function ratio (samples, others, figure) {
  const pairs = samples.flatMap((sample, i) => {
    const other = others[i]
    return other === undefined ? [] : [{ value: sample[figure] / other[figure], isClean: isClean(sample) && isClean(other) }]
  })
  const clean = pairs.filter(({ isClean }) => isClean)
  return { value: median((clean.length > 0 ? clean : pairs).map(({ value }) => value)), isReliable: clean.length > 0 }
}

/** @param {Sample} sample */
function isClean ({ others }) {
  return others === null || others < DISTURBED
}

/** @param {readonly number[]} values */
function sum (values) {
  return values.reduce((total, value) => total + value, 0)
}
