import { readDuration } from '../../durations.js'
import { DAY } from '../../keys/tally.js'
import type { ChoiceView, ExpiryView } from './data/form.js'
import type { WrittenTime } from './data/time.js'
import type { Entered } from './entered.js'
import type { Language } from './language.js'

/** What an expiry may be chosen from. Times are milliseconds since the epoch. */
export interface ExpiryRange {
  readonly now: number
  /** The latest that is allowed; null for any and for never. */
  readonly latest: number | null
  /** How long keys live that say nothing themselves, where somebody decided on that; otherwise null. */
  readonly preset: number | null
  /** The expiry that there is already, and null for never; undefined for a new key. */
  readonly current?: number | null
}

/** What the service is told of an expiry; nothing when that is left to it, or shall stay. */
export interface ExpiryFields {
  readonly expiresIn?: number
  readonly expiresAt?: number | null
}

const OFFERED = [30 * DAY, 60 * DAY, 90 * DAY, 365 * DAY]
const USUAL = 90 * DAY

/** Before the year 10000, beyond which days have no four digits. */
const LAST = Date.UTC(9999, 11, 31)

/** Makes the choices and the field for a day. */
export function toExpiryView (range: ExpiryRange, { expiry, date }: Pick<Entered, 'expiry' | 'date'>, error: string | null, language: Language): ExpiryView {
  const { say, duration, length } = language
  const { now, latest, current } = range
  const values = valuesOf(range)
  const selected = expiry !== undefined && values.includes(expiry) ? expiry : presetOf(range, values)
  const text = (value: string, { text: date }: WrittenTime) => {
    if (value === 'keep') return say('form.expiryKeep', { date })
    if (value === 'max') return say('form.expiryMax', { length: length(Number(latest) - now), date })
    return say('form.expiryIn', { length: duration(lengthOf(value)), date })
  }
  const choice = (value: string): ChoiceView => {
    const isSelected = { value, selected: value === selected }
    if (value === 'date') return { ...isSelected, text: say('form.expiryDate') }
    if (value === 'never') return { ...isSelected, text: say('form.expiryNever') }
    if (value === 'keep' && (current === null || current === undefined)) return { ...isSelected, text: say('form.expiryKeepNever') }
    const day = dayOf(value === 'keep' ? Number(current) : value === 'max' ? Number(latest) : now + lengthOf(value), language)
    return { ...isSelected, text: text(value, day), day }
  }
  // Of a short life the time of the day matters.
  const hintDay = latest === null || latest - now <= 2 * DAY ? null : dayOf(latest, language)
  return {
    choices: values.map(choice),
    date,
    min: dayText(now),
    max: latest === null ? null : dayText(latest),
    hint: latest === null ? null : say('form.expiryHint', { date: hintDay === null ? language.due(new Date(latest), now).exact : hintDay.text }),
    hintDay,
    error
  }
}

/**
 * Reads the expiry that was chosen.
 *
 * @returns what the service is told, or what is wrong
 */
export function readExpiry (range: ExpiryRange, { expiry, date }: Pick<Entered, 'expiry' | 'date'>, { say }: Language): { fields: ExpiryFields } | { error: string } {
  const { now, latest } = range
  if (expiry === undefined || expiry === '' || (expiry === 'keep' && range.current !== undefined)) return { fields: {} }
  if (expiry === 'date') return readDay(range, date, say)
  if (expiry === 'never') return latest === null ? { fields: { expiresAt: null } } : { error: say('form.expiryLate') }
  if (expiry === 'max' && latest !== null) return { fields: { expiresAt: latest } }
  const length = lengthOf(expiry)
  if (![...OFFERED, range.preset].includes(length)) return { error: say('form.expiryUnknown') }
  return latest !== null && now + length > latest ? { error: say('form.expiryLate') } : { fields: { expiresIn: length } }
}

function dayOf (time: number, language: Language): WrittenTime {
  const date = new Date(time)
  return { iso: date.toISOString(), text: language.date(date) }
}

/** A day ends at midnight in UTC, or with what is allowed when that is in the middle of it. */
function readDay ({ now, latest }: ExpiryRange, date: string, say: Language['say']): { fields: ExpiryFields } | { error: string } {
  const begin = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : NaN
  if (Number.isNaN(begin) || dayText(begin) !== date) return { error: say('form.dateMissing') }
  const end = Math.min(begin + DAY, latest ?? LAST)
  if (begin + DAY <= now) return { error: say('form.datePast') }
  return begin >= end ? { error: say('form.expiryLate') } : { fields: { expiresAt: end } }
}

/** The values of the choices: durations, and words. */
function valuesOf ({ now, latest, preset, current }: ExpiryRange): string[] {
  const lengths = [...new Set(preset === null ? OFFERED : [...OFFERED, preset])].sort((a, b) => a - b)
  const possible = lengths.filter((length) => latest === null || now + length <= latest)
  return [
    ...(current === undefined ? [] : ['keep']),
    ...possible.map(valueOf),
    // Not beside the same time as it is, or as a length.
    ...(latest !== null && latest > now && latest !== current && !possible.some((length) => now + length === latest) ? ['max'] : []),
    ...(latest === null || latest >= now + DAY ? ['date'] : []),
    ...(latest === null ? ['never'] : [])
  ]
}

/** What is chosen at first: what there is, what somebody decided on, 90 days, or the longest that is allowed. */
function presetOf ({ preset, current }: ExpiryRange, values: readonly string[]): string {
  if (current !== undefined) return 'keep'
  const wanted = valueOf(preset ?? USUAL)
  return values.includes(wanted) ? wanted : 'max'
}

function valueOf (length: number): string {
  return length % DAY === 0 ? `${length / DAY}d` : `${length}ms`
}

function lengthOf (value: string): number {
  return readDuration(value) ?? NaN
}

function dayText (time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
