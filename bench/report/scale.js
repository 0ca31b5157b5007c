import { verdict } from './goals.js'
import { toGoalTable } from './bench.js'
import { describeMachine } from './machine.js'
import { figure, list, table } from './markdown.js'

/**
 * @typedef {object} ScaleReport
 * @property {import('./machine.js').Machine} machine
 * @property {readonly import('../scale.js').Point[]} points
 * @property {readonly import('./goals.js').Verdict[]} goals
 */

/**
 * @param {readonly import('../scale.js').Point[]} points
 * @returns {ScaleReport}
 */
export function createScaleReport (points) {
  const [few, many] = [10_000, 10_000_000].map((keys) => points.find((point) => point.keys === keys))
  const growth = few === undefined || many === undefined ? undefined : many.lookUp / few.lookUp
  return {
    machine: describeMachine(),
    points,
    goals: [verdict('look-up on a miss at 10,000,000 keys, of that at 10,000', 'at most 2', growth, 2, (value) => value <= 2)]
  }
}

/** @param {ScaleReport} report */
export function toMarkdown ({ machine, points, goals }) {
  /** @type {(title: string, format: (point: import('../scale.js').Point) => string) => string[]} */
  const line = (title, format) => [title, ...points.map(format)]
  return [
    '# How cost grows with the number of keys',
    'Written by `npm run bench:scale`; [how it is measured](../README.md).',
    list(machine),
    table(['keys', ...points.map(({ keys }) => figure(keys))], [
      line('look-up on a miss, µs', ({ lookUp }) => figure(lookUp, 1)),
      line('the same in a process just started, µs', ({ firstLookUp }) => figure(firstLookUp, 1)),
      line('start-up, register to ready, ms', ({ ready }) => figure(ready, 1)),
      line('start-up, from the start of the process, ms', ({ process }) => figure(process)),
      line('resident memory when started, MB', ({ rssStarted }) => figure(rssStarted / 1e6)),
      line('keys used after that', ({ used }) => figure(used)),
      line('resident memory then, MB', ({ rssUsed }) => figure(rssUsed / 1e6)),
      line('file, MB', ({ file }) => figure(file / 1e6)),
      line('file, bytes a key', ({ file, keys }) => figure(file / keys)),
      line('createMany, keys/s', ({ createMany }) => figure(createMany)),
      line('direct insertion, keys/s', ({ insert }) => figure(insert))
    ]),
    toGoalTable(goals)
  ].join('\n\n') + '\n'
}
