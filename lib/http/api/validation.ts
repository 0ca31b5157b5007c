import { Ajv, type ErrorObject } from 'ajv'
import { cut, describe, describeWith } from '../../checks.js'
import { ArgumentError } from '../../errors.js'

/*
 * The API's own validation, whatever compilers the application has. Nothing is converted, filled in or left out, so that
 * what was written wrongly is refused and not guessed. What a schema says of a property in `description` completes the
 * sentence "… must be" of an error.
 */

/** A JSON schema. */
export interface Schema {
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly anyOf?: readonly Schema[]
  readonly [keyword: string]: unknown
}

// Fastify's own settings would coerce, strip and fill in.
const ajv = new Ajv({ allowUnionTypes: true, formats: { 'date-time': isTime, date: /^\d{4}-\d\d-\d\d$/ } })

type Validate = (data: unknown) => { value: unknown } | { error: Error }

/** Makes the function that validates one part of a request. */
export function compileValidator ({ schema, httpPart }: { schema: unknown, httpPart?: string }): Validate {
  const isQuery = httpPart === 'querystring'
  const validate = ajv.compile(schema as Schema)
  return (data) => {
    const value = isQuery ? readQuery(data, schema as Schema) : data
    if (validate(value)) return { value }
    return { error: toError(validate.errors?.[0] as ErrorObject, schema as Schema, value, isQuery ? 'the query' : 'the body') }
  }
}

/** Whether a text is a time as RFC 3339 has it. Days and seconds that there are not would be taken for others. */
function isTime (text: string): boolean {
  const [, day = ''] = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(text) ?? []
  const midnight = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
}

/** In a query all is text, also what shall be a number or a boolean; what is not written as one stays text, and is refused. */
function readQuery (query: unknown, { properties = {} }: Schema): unknown {
  return Object.fromEntries(Object.entries(query as object).map(([name, value]: [string, unknown]) => {
    const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined
    if (typeof value !== 'string') return [name, value]
    if (type === 'integer' && /^(0|[1-9]\d{0,15})$/.test(value)) return [name, Number(value)]
    return [name, type === 'boolean' && /^(true|false)$/.test(value) ? value === 'true' : value]
  }))
}

/** The error for a value, by the first that is wrong: of alternatives that is the object, where an object was sent. */
function toError (worst: ErrorObject, schema: Schema, value: unknown, whole: string): Error {
  const path = worst.instancePath.split('/').slice(1).map((name) => name.replace(/~1/g, '/').replace(/~0/g, '~'))
  if (isAboutProperty(worst)) path.push(String(worst.params['missingProperty'] ?? worst.params['additionalProperty']))
  const found = locate(path, schema, value)
  return new ArgumentError(found.name || whole, found.allowed, found.got)
}

function isAboutProperty ({ keyword }: ErrorObject): boolean {
  return keyword === 'required' || keyword === 'additionalProperties'
}

interface Place {
  readonly name: string
  readonly allowed: string
  readonly got: string
}

/** What there is to say of a place within a value. A list is one thing, whichever of its items is wrong. */
function locate ([next, ...rest]: readonly string[], schema: Schema, value: unknown, name = ''): Place {
  const { properties } = schema.anyOf?.find(({ properties }) => properties !== undefined) ?? schema
  if (next === undefined || properties === undefined) {
    return { name, allowed: schema.description ?? 'an object', got: next !== undefined && Array.isArray(value) ? describeWith(value[Number(next)]) : describe(value) }
  }
  const inner = `${name === '' ? '' : `${name}.`}${cut(next)}`
  const property = Object.hasOwn(properties, next) ? properties[next] : undefined
  if (property === undefined) return { name: inner, allowed: Object.keys(properties).length === 0 ? 'left out' : `one of ${Object.keys(properties).join(', ')}`, got: 'an unknown name' }
  return locate(rest, property, (value as Readonly<Record<string, unknown>>)[next], inner)
}
