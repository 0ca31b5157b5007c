import { checkObject, isPlainObject, isText, type Check, type Refuse } from '../../checks.js'
import { CallbackError } from '../../errors.js'
import type { TimeView } from './data/time.js'
import { TEXT, type PageTexts, type Plural, type TextName } from './text.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Units for people, each with the one for what is left. */
const STEPS = [[DAY, HOUR], [HOUR, MINUTE]] as const

const LEAST = ['millisecond', 1] as const
const UNITS = [['year', 365 * DAY], ['day', DAY], ['hour', HOUR], ['minute', MINUTE], ['second', 1000]] as const

/** The scripts of living languages that are written from right to left. */
const LEFTWARDS = new Set(['Adlm', 'Arab', 'Hebr', 'Nkoo', 'Rohg', 'Syrc', 'Thaa'])

/** What is written from right to left, or says so. */
const LEFTWARD = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** What would begin or end such parts itself, and so could end ours too early. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g

/** What is filled into a text. `count` also chooses among its plural forms. */
export type TextValues = Readonly<Record<string, string | number>>

/** The pages' texts in one language, and how it writes times. */
export class Language {
  readonly #texts: Readonly<Record<TextName, string | Plural>>
  readonly #plurals: Intl.PluralRules
  readonly #number: Intl.NumberFormat
  readonly #date: Intl.DateTimeFormat
  readonly #exact: Intl.DateTimeFormat
  readonly #past: Intl.RelativeTimeFormat
  readonly #due: Intl.RelativeTimeFormat
  /** A BCP 47 tag. */
  readonly locale: string
  /** Where its lines begin: for the attribute `dir`. */
  readonly direction: 'ltr' | 'rtl'

  /** @param texts replace the package's own */
  constructor (texts: PageTexts) {
    this.#texts = { ...TEXT, ...texts }
    this.locale = String(this.#texts.locale)
    this.direction = LEFTWARDS.has(String(new Intl.Locale(this.locale).maximize().script)) ? 'rtl' : 'ltr'
    this.#plurals = new Intl.PluralRules(this.locale)
    this.#number = new Intl.NumberFormat(this.locale)
    this.#date = new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeZone: 'UTC' })
    this.#exact = new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })
    this.#past = new Intl.RelativeTimeFormat(this.locale, { numeric: 'auto' })
    // In a little less than a day may be today.
    this.#due = new Intl.RelativeTimeFormat(this.locale)
  }

  /** A text, with what is filled in. Not escaped: templates print it with `<%= … %>`. */
  readonly say = (name: TextName, values: TextValues = {}): string => {
    const text = this.#texts[name]
    const form = typeof text === 'string' ? text : text[this.#plurals.select(Number(values['count']))] ?? text.other
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name]
      return typeof value === 'number' ? this.#number.format(value) : value === undefined ? whole : this.isolate(value)
    })
  }

  /**
   * A text of somebody's, set apart from the text around it where it may run the other way, so that it does not carry what
   * stands beside it along. For text alone: where there can be elements, templates have `<bdi>` for it.
   */
  readonly isolate = (text: string): string => {
    return this.direction === 'rtl' || LEFTWARD.test(text) ? `\u2068${text.replace(DIRECTIONS, '')}\u2069` : text
  }

  /** A number as the language writes it. */
  readonly count = (number: number): string => this.#number.format(number)

  /** A day in UTC. */
  readonly date = (time: Date): string => this.#date.format(time)

  /** A length of time in the largest unit of which it is a whole number, such as `90 days`. */
  readonly duration = (milliseconds: number): string => {
    const [, length] = UNITS.find(([, length]) => milliseconds % length === 0) ?? LEAST
    return this.#count(milliseconds, length)
  }

  /** A length of time in few words, rounded down such that little is lost: `36 hours`, `3 days, 12 hours`, `90 days`. */
  readonly length = (milliseconds: number): string => {
    if (milliseconds % DAY === 0 || milliseconds === HOUR) return this.duration(milliseconds)
    const [unit, smaller] = STEPS.find(([unit]) => milliseconds >= 2 * unit) ?? [MINUTE, MINUTE]
    const whole = Math.max(unit, milliseconds - milliseconds % unit)
    const rest = Math.floor(milliseconds % unit / smaller) * smaller
    const parts = rest === 0 || whole >= 10 * unit ? [this.#count(whole, unit)] : [this.#count(whole, unit), this.#count(rest, smaller)]
    return new Intl.ListFormat(this.locale, { type: 'unit' }).format(parts)
  }

  /**
   * Makes a time readable at which something happened: how long ago within a week, the date beyond.
   *
   * @param now milliseconds since the epoch
   */
  past (time: Date, now: number): TimeView {
    const elapsed = now - time.getTime()
    // Ahead because a clock was set back.
    if (elapsed < -MINUTE) return this.#view(time, null)
    return this.#view(time, elapsed < MINUTE ? this.say('time.now') : this.#distance(-elapsed))
  }

  /**
   * Makes a time readable at which something is going to happen, or did: how far away within a week, the date beyond. Rounded, or
   * what ends in a day would end in 23 hours as soon as somebody reads so.
   */
  due (time: Date, now: number): TimeView {
    const ahead = time.getTime() - now
    if (ahead <= 0) return this.past(time, now)
    return this.#view(time, ahead < MINUTE ? this.say('time.soon') : this.#distance(round(ahead)))
  }

  /** A length of time in one unit, of so many milliseconds. */
  #count (milliseconds: number, length: number): string {
    const [unit] = UNITS.find(([, other]) => other === length) ?? LEAST
    return new Intl.NumberFormat(this.locale, { style: 'unit', unit, unitDisplay: 'long' }).format(milliseconds / length)
  }

  #view (time: Date, distance: string | null): TimeView {
    return { iso: time.toISOString(), text: distance ?? this.#date.format(time), isDate: distance === null, exact: this.say('time.exact', { time: this.#exact.format(time) }) }
  }

  /** Null when it is too far away. What is still to come is told in the unit before as long as there is but one: 36 hours are not a day. */
  #distance (ahead: number): string | null {
    const distance = Math.abs(ahead)
    const relative = ahead > 0 ? this.#due : this.#past
    const count = (unit: number) => Math.sign(ahead) * Math.floor(distance / unit)
    const isBelow = (unit: number) => distance < unit || (ahead > unit && ahead < 2 * unit)
    if (isBelow(HOUR)) return relative.format(count(MINUTE), 'minute')
    if (isBelow(DAY)) return relative.format(count(HOUR), 'hour')
    return distance < 7 * DAY ? relative.format(count(DAY), 'day') : null
  }
}

/** To hours, or where minutes are told, to these. */
function round (milliseconds: number): number {
  const unit = milliseconds < 2 * HOUR ? MINUTE : HOUR
  return Math.round(milliseconds / unit) * unit
}

const FORMS = ['zero', 'one', 'two', 'few', 'many', 'other']

const PLURAL_OR_TEXT: Check = {
  allowed: `text of at most 1000 characters, or where it has a {count} an object with some of ${FORMS.join(', ')}, of which other must be there`,
  test: (value) => isText(0, 1000)(value) || (isPlainObject(value) && 'other' in value && Object.entries(value).every(([form, text]) => FORMS.includes(form) && isText(0, 1000)(text)))
}

const LOCALE: Check = { allowed: 'a language tag that Intl knows, such as fr or pt-BR', test: isLocale }

/**
 * Checks texts that replace the package's own.
 *
 * @param name what they are called in an error
 * @throws what `refuse` makes of what is unknown or not allowed
 */
export function checkTexts (texts: unknown, name: string, refuse: Refuse): asserts texts is PageTexts {
  const checks = Object.fromEntries(Object.keys(TEXT).map((text) => [text, text === 'locale' ? LOCALE : PLURAL_OR_TEXT]))
  checkObject(texts, name, `${name}.`, checks, refuse)
}

function isLocale (value: unknown): boolean {
  try {
    return typeof value === 'string' && Intl.PluralRules.supportedLocalesOf(value).length === 1
  } catch {
    return false
  }
}

const languages = new WeakMap<PageTexts, Language>()

/**
 * The language of some texts. Checked and made once for each object, since formats take long to make.
 *
 * @throws FST_API_KEY_INVALID_CALLBACK_RESULT when a function of the application gave something else than texts
 */
export function languageOf (texts: PageTexts): Language {
  const known = languages.get(texts)
  if (known !== undefined) return known
  checkTexts(texts, 'pages.text', (name, allowed, got) => new CallbackError(name, allowed, got))
  const language = new Language(texts)
  languages.set(texts, language)
  return language
}
