import { DAY } from '../../keys/tally.js'
import { SHOWN_DAYS, type DayUsage } from '../../keys/usage.js'
import type { ChartView, SparkView } from './data/chart.js'
import type { Language } from './language.js'
import type { TextName } from './text.js'

/*
 * Charts as paths, since the pages' policy allows no style in an element, and one path is far smaller than thirty rectangles.
 */

interface Day {
  readonly day: string
  readonly accepted: number
  readonly refused: number
}

/** The last 30 days, those without use too. */
function fill (usage: readonly DayUsage[], now: number): Day[] {
  const byDay = new Map(usage.map((entry) => [entry.day, entry]))
  const last = Math.floor(now / DAY)
  return Array.from({ length: SHOWN_DAYS }, (_, i) => {
    const day = new Date((last - SHOWN_DAYS + 1 + i) * DAY).toISOString().slice(0, 10)
    const entry = byDay.get(day)
    return { day, accepted: entry?.accepted ?? 0, refused: sum(Object.values(entry?.refused ?? {})) }
  })
}

/** A small chart of the accepted uses: 120 wide and 24 high. */
export function toSparkView (usage: readonly DayUsage[], now: number, { say }: Language): SparkView {
  const counts = fill(usage, now).map(({ accepted }) => accepted)
  const total = sum(counts)
  const top = Math.max(...counts)
  // Strokes rather than bars, since a page has many of them. The least use still shows.
  const path = counts.map((count, i) => count === 0 ? '' : `M${i * 4 + 2} 24v-${Math.max(2, Math.round(count / top * 23))}`).join('')
  return { total, path, title: say('chart.spark', { count: total, top }) }
}

/** The chart of a key's page: 300 wide and 100 high, stretched to its place. */
export function toChartView (usage: readonly DayUsage[], now: number, language: Language): ChartView {
  const { say, count, date } = language
  const days = fill(usage, now)
  const top = roundUp(Math.max(1, ...days.map(({ accepted, refused }) => accepted + refused)))
  const height = (value: number) => value / top * 100
  const name = ({ day }: Day) => date(new Date(day))
  const [accepted, refused] = [sum(days.map(({ accepted }) => accepted)), sum(days.map(({ refused }) => refused))]
  return {
    title: say('chart.title', { accepted, refused }),
    accepted,
    refused,
    acceptedPath: days.map(({ accepted }, i) => accepted === 0 ? '' : bar(i * 10 + 1.5, 100, 7, height(accepted))).join(''),
    refusedPath: days.map(({ accepted, refused }, i) => refused === 0 ? '' : bar(i * 10 + 1.5, 100 - height(accepted), 7, height(refused))).join(''),
    ticks: (top % 2 === 0 ? [top, top / 2, 0] : [top, 0]).map(count),
    ends: [days[0], days[SHOWN_DAYS - 1]].map((day) => name(day as Day)),
    days: days.map((day, i) => ({
      day: day.day, text: name(day), x: i * 10, accepted: day.accepted, refused: day.refused, title: say('chart.day', { day: name(day), accepted: day.accepted, refused: day.refused })
    })),
    reasons: reasonsOf(usage, language)
  }
}

/** Why requests were refused, the most frequent reason first. */
function reasonsOf (usage: readonly DayUsage[], { say }: Language): { text: string, count: number }[] {
  const counts = new Map<string, number>()
  for (const [code, count] of usage.flatMap(({ refused }) => Object.entries(refused))) {
    const text = say(REASONS.get(code) ?? 'refused.other')
    counts.set(text, (counts.get(text) ?? 0) + count)
  }
  return [...counts].map(([text, count]) => ({ text, count })).sort((a, b) => b.count - a.count)
}

const REASONS = new Map<string, TextName>([
  ['FST_API_KEY_EXPIRED', 'refused.expired'],
  ['FST_API_KEY_REVOKED', 'refused.revoked'],
  ['FST_API_KEY_DISABLED', 'refused.disabled'],
  ['FST_API_KEY_ROTATED', 'refused.rotated'],
  ['FST_API_KEY_ADDRESS', 'refused.address'],
  ['FST_API_KEY_INSUFFICIENT_SCOPE', 'refused.scope'],
  ['FST_API_KEY_API_FORBIDDEN', 'refused.forbidden'],
  ['FST_API_KEY_RATE_LIMIT_EXCEEDED', 'refused.rate'],
  ['FST_API_KEY_QUOTA_EXCEEDED', 'refused.quota']
])

/** A bar that stands on `bottom`. */
function bar (x: number, bottom: number, width: number, height: number): string {
  const rounded = Math.round(height * 10) / 10
  return `M${x} ${Math.round(bottom * 10) / 10}v-${rounded}h${width}v${rounded}z`
}

/** The next of 1, 2, 3, 4, 5, 6, 8, 10, 20, …, so that a chart ends with a number that is easy to read. */
function roundUp (value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 3, 4, 5, 6, 8].find((step) => step * unit >= value) ?? 10) * unit
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
