import t from 'tap'
import { isDuration, MAX_DURATION, readDuration, toMilliseconds, writeDuration } from '../lib/durations.js'

t.test('a duration is milliseconds, or a whole number with a unit', async (t) => {
  const durations: [number | string, number][] = [
    [1, 1], [5.0, 5], ['1ms', 1], ['250 milliseconds', 250], ['1s', 1000], ['30 sec', 30_000], ['1 second', 1000], ['15m', 900_000], ['2 min', 120_000],
    ['1 minute', 60_000], ['24h', 86_400_000], ['1 hour', 3_600_000], ['90d', 7_776_000_000], ['2 days', 172_800_000], ['1w', 604_800_000], ['2 weeks', 1_209_600_000],
    ['1y', 31_536_000_000], ['100 years', MAX_DURATION], [MAX_DURATION, MAX_DURATION]
  ]
  for (const [duration, milliseconds] of durations) {
    t.equal(readDuration(duration), milliseconds, String(duration))
    t.equal(toMilliseconds(duration), milliseconds)
  }
})

t.test('anything else is none', async (t) => {
  for (const value of [0, -1, 1.5, NaN, Infinity, MAX_DURATION + 1, '', '5', 'd', '1.5d', '-1d', '1  d', '1D', '1 month', '101y', `${'9'.repeat(16)}ms`, null, undefined, true, {}, ['1d'], 5n]) t.equal(readDuration(value), null)
  t.ok(Number.isNaN(toMilliseconds('soon')))
})

t.test('where it may be none, 0 is taken in every unit', async (t) => {
  for (const value of [0, '0', '0h', '0 days']) t.equal(readDuration(value, 0), value === '0' ? null : 0)
  t.strictSame([isDuration()(0), isDuration(0)(0), isDuration()('0d')], [false, true, false])
})

t.test('a duration is written in the largest unit of which it is a whole number, and read as the same', async (t) => {
  for (const [milliseconds, text] of [
    [1, '1ms'], [1001, '1001ms'], [90_000, '90s'], [60_000, '1m'], [5_400_000, '90m'], [129_600_000, '36h'], [604_800_000, '7d'], [31_536_000_000, '1y'], [31_622_400_000, '366d'], [MAX_DURATION, '100y']
  ] as const) {
    t.equal(writeDuration(milliseconds), text)
    t.equal(readDuration(text), milliseconds)
  }
})
