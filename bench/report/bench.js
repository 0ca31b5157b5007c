import { describeMachine } from './machine.js'
import { figure, list, table } from './markdown.js'

/**
 * @typedef {object} Report
 * @property {import('./machine.js').Machine} machine
 * @property {string} load
 * @property {string} rounds
 * @property {readonly string[]} warnings
 * @property {readonly import('./summary.js').Summary[]} rows
 * @property {import('../inprocess.js').InProcess | null} inProcess
 * @property {readonly import('./goals.js').Verdict[]} goals
 */

/**
 * @param {Pick<Report, 'load' | 'rounds' | 'warnings' | 'rows' | 'inProcess' | 'goals'>} results
 * @returns {Report}
 */
export function createReport (results) {
  return { machine: describeMachine(), ...results }
}

/** @param {Report} report */
export function toMarkdown ({ machine, load, rounds, warnings, rows, inProcess, goals }) {
  return [
    '# What checking a key costs',
    'Written by `npm run bench`; [how it is measured](../README.md).',
    list({ ...machine, load, rounds }),
    ...warnings.map((warning) => `**Warning:** ${warning}`),
    table(['server', 'requests/s', 'of bare', 'p50 ms', 'p99 ms', 'CPU', 'CPU µs', 'load CPU', 'clean', 'RSS MB', 'unexpected', 'errors'], rows.map((row) => [
      row.title,
      figure(row.rate),
      row.invalid === null ? figure(row.ofBare, 3) : 'invalid',
      figure(row.p50, 2),
      figure(row.p99, 2),
      `${figure(row.cpu * 100)} %`,
      figure(row.cost, 1),
      `${figure(row.generatorCpu * 100)} %`,
      `${row.clean}/${row.samples.length}`,
      figure(row.rss / 1e6),
      figure(row.unexpected),
      figure(row.errors)
    ])),
    ...rows.flatMap(({ title, invalid }) => invalid === null ? [] : [`Invalid: ${title}: ${invalid}.`]),
    ...inProcess === null ? [] : [toInProcessTable(inProcess)],
    toGoalTable(goals)
  ].join('\n\n') + '\n'
}

/** @param {import('../inprocess.js').InProcess} figures */
function toInProcessTable (figures) {
  return table(['in process, without HTTP', 'figure'], [
    ['verifications/s, warm cache', figure(figures.warm)],
    ['verifications/s, cache off', figure(figures.cacheOff)],
    ['look-ups/s of the driver alone, same statement', figure(figures.raw)],
    ['time of a verification with cache off, of the driver\'s look-up', figure(figures.ofRaw, 2)],
    ['heap for one cached key, bytes', figure(figures.bytes)],
    [`createMany of ${figure(figures.keys)} keys, seconds`, figure(figures.createMany, 2)]
  ])
}

/** @param {readonly import('./goals.js').Verdict[]} goals */
export function toGoalTable (goals) {
  return table(['goal', 'wanted', 'measured', 'verdict'], goals.map(({ figure, goal, measured, met }) =>
    [figure, goal, measured, met === null ? '-' : met ? 'met' : 'missed']))
}
