/**
 * A length of time: a whole number of milliseconds, or text of a whole number and a unit such as `'90d'`, `'24h'` or
 * `'15 minutes'`. A day has 24 hours, a week 7 days, a year 365 days.
 */
export type Duration = number | string

/** The longest duration, a hundred years; a longer one is surely a mistake. */
export const MAX_DURATION = 100 * 365 * 86_400_000

/** What a duration may be, in words. */
export const DURATION_FORMS = "a whole number of milliseconds, or text such as '90d', with ms, s, m, h, d, w or y, up to 100 years"

const UNITS: readonly (readonly [names: RegExp, milliseconds: number])[] = [
  [/^(ms|milliseconds?)$/, 1],
  [/^(s|sec|seconds?)$/, 1000],
  [/^(m|min|minutes?)$/, 60_000],
  [/^(h|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000],
  [/^(w|weeks?)$/, 7 * 86_400_000],
  [/^(y|years?)$/, 365 * 86_400_000]
]

/**
 * Reads a duration. Strict, since a unit that was guessed makes keys that live a thousand times too long.
 *
 * @param min the least it may be, in milliseconds
 * @returns milliseconds; null when the value is no duration from `min` to a hundred years
 */
export function readDuration (value: unknown, min = 1): number | null {
  const duration = typeof value === 'string' ? parse(value) : value
  return typeof duration === 'number' && Number.isInteger(duration) && duration >= min && duration <= MAX_DURATION ? duration : null
}

/** A test for durations of at least so many milliseconds. */
export function isDuration (min = 1): (value: unknown) => value is Duration {
  return (value): value is Duration => readDuration(value, min) !== null
}

/** The milliseconds of a duration that was checked. */
export function toMilliseconds (duration: Duration): number {
  return readDuration(duration, 0) ?? NaN
}

/** The shortest text of which `readDuration` makes so many milliseconds. Weeks are written as days, as everywhere else. */
export function writeDuration (milliseconds: number): string {
  const [unit, length] = WRITTEN.find(([, length]) => milliseconds % length === 0) ?? LEAST
  return `${milliseconds / length}${unit}`
}

const WRITTEN = [['y', 365 * 86_400_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const
const LEAST = ['ms', 1] as const

function parse (text: string): number | null {
  const [, count, name] = /^(\d{1,15}) ?([a-z]+)$/.exec(text) ?? []
  const unit = UNITS.find(([names]) => name !== undefined && names.test(name))
  return unit === undefined ? null : Number(count) * unit[1]
}
