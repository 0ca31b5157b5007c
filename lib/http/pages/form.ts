import { randomBytes } from 'node:crypto'
import { describe, isText } from '../../checks.js'
import { ArgumentError } from '../../errors.js'
import { MAX_NAME } from '../../keys/key-arguments.js'
import type { Language } from './language.js'

const isName = isText(1, MAX_NAME)

/** A random value for one form. */
export function createNonce (): string {
  return randomBytes(18).toString('base64url')
}

/**
 * Reads one field of a form or of a query, whatever parser made it.
 *
 * @returns undefined when it was not sent
 * @throws FST_API_KEY_INVALID_ARGUMENT when it was sent more than once
 */
export function readField (fields: unknown, name: string): string | undefined {
  const value = valueOf(fields, name)
  if (value === undefined || typeof value === 'string') return value
  throw new ArgumentError(`The field ${name}`, 'sent once', describe(value))
}

/** Reads a field that may be sent several times, as checkboxes are. */
export function readFields (fields: unknown, name: string): readonly string[] {
  const value = valueOf(fields, name)
  if (Array.isArray(value)) return value.map(String)
  const single = readField(fields, name)
  return single === undefined ? [] : [single]
}

/** Reads a field that only makes the page nicer; undefined when it is not there or not as it should be. */
export function readHint (fields: unknown, name: string): string | undefined {
  try {
    return readField(fields, name)
  } catch {
    return undefined
  }
}

/** By its name alone: a form may hold thousands of fields that nobody asks for. */
function valueOf (fields: unknown, name: string): unknown {
  return typeof fields === 'object' && fields !== null && Object.hasOwn(fields, name) ? (fields as Readonly<Record<string, unknown>>)[name] : undefined
}

/** What is wrong with a name that was entered; null when nothing is. */
export function findNameError (name: string, { say }: Language): string | null {
  if (name === '') return say('form.nameMissing')
  if (name.length > MAX_NAME) return say('form.nameLong', { max: MAX_NAME, count: name.length })
  return isName(name) ? null : say('form.nameWrong')
}
