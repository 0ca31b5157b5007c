import { isDeepStrictEqual } from 'node:util'
import { isDate } from 'node:util/types'
import { leaveOutSecrets } from './keys/secret.js'

/** One named value of an options object: what is allowed, in words, and the test for it. */
export interface Check {
  /** Completes the sentence "… must be". */
  readonly allowed: string
  readonly test: (value: unknown) => boolean
  /** The test for what is in a list, where a list is allowed, by which an error tells what of it is wrong. */
  readonly isItem?: (value: unknown) => boolean
}

/** The checks of an options object, by property name. A property that is not named here is refused. */
export type Checks = Readonly<Record<string, Check>>

/** Raises the error that suits the place: an option of `register`, or an argument of a service call. */
export type Refuse = (name: string, allowed: string, got: string) => Error

/**
 * Checks an options object property by property. `undefined` counts as not given.
 *
 * @param what how to call the object itself in an error
 * @param prefix put before a property's name in an error, for instance `pages.`
 * @throws what `refuse` makes of the first property that is unknown or not allowed
 */
export function checkObject (value: unknown, what: string, prefix: string, checks: Checks, refuse: Refuse): void {
  if (!isPlainObject(value)) throw refuse(what, 'an object', describe(value))
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined) continue
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) throw refuse(prefix + name, `one of ${Object.keys(checks).join(', ')}`, 'an unknown name')
    if (!check.test(given)) throw refuse(prefix + name, check.allowed, describeBy(check, given))
  }
}

/** Says what a wrong value is; of a list, what in it is wrong. Its texts are no secrets, unless by mistake: those errors leave out. */
function describeBy ({ isItem }: Check, value: unknown): string {
  if (!Array.isArray(value) || isItem === undefined) return describe(value)
  const i = Array.from<unknown>(value).findIndex((item) => !isItem(item))
  return i === -1 ? describe(value) : describeWith(value[i])
}

/** Cuts a text to what an error shows of it. */
export function cut (text: string): string {
  return leaveOutSecrets(text).slice(0, 100)
}

/** Says what a list is that has a wrong item. */
export function describeWith (item: unknown): string {
  return `an array with ${typeof item === 'string' ? JSON.stringify(cut(item)) : describe(item)}`
}

/** Whether a value is an object whose properties are all its own, so that checking those misses none. */
export function isPlainObject (value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Of another realm's objects too, as in a test runner that isolates its files.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Whether JSON can hold a value without loss, in at most so many characters, and PostgreSQL too, which takes no NUL. */
export function isJson (value: unknown, max: number): boolean {
  try {
    const text = JSON.stringify(value)
    // Half a character and NUL come out escaped.
    return text.length <= max && !/\\u(0000|d[89a-f])/.test(text) && isDeepStrictEqual(JSON.parse(text), value)
  } catch {
    return false
  }
}

export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
export const isFunction = (value: unknown): value is (...args: never[]) => unknown => typeof value === 'function'

const PATH = /^(\/[\w\-~][\w\-.~]*)+$/

/** Whether a value is a path to serve something at, without a slash at its end. */
export const isPath = (value: unknown): value is string => typeof value === 'string' && PATH.test(value)

/** A test for whole numbers from `min` to `max`, both included. */
export function isWhole (min: number, max: number): (value: unknown) => boolean {
  return (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max
}

/** A test for text of `min` to `max` characters that is well-formed Unicode and has no control characters. */
export function isText (min: number, max: number): (value: unknown) => value is string {
  return (value): value is string => typeof value === 'string' &&
    value.length >= min && value.length <= max && value.isWellFormed() && !/\p{Cc}/u.test(value)
}

/** A test for one text that passes `test`, or a list of at least one such text in which none comes twice under `fold`. */
export function isOneOrMore (test: (value: unknown) => value is string, fold = (text: string) => text): (value: unknown) => boolean {
  return (value) => Array.isArray(value)
    ? value.length > 0 && Array.from<unknown>(value).every(test) && new Set(value.map(fold)).size === value.length
    : test(value)
}

/**
 * Says what a wrong value is, for an error message. Numbers and times are shown; of anything else only the kind, since it may be a
 * secret or a password.
 *
 * @param value anything
 * @returns for instance `null`, `an empty string`, `an array`, `-2`
 */
export function describe (value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return 'an array'
  if (isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  if (typeof value === 'string') return value === '' ? 'an empty string' : `a string of ${value.length} characters`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
