import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { isDeepStrictEqual } from 'node:util'
import { isAuthorization } from './header.js'
import type { Rule } from './rule.js'

/*
 * What an OpenAPI document says of keys, where the application makes one with @fastify/swagger: by which header they come,
 * and which route asks for one. Of @fastify/swagger only what it documents is used: that it takes `security` and extensions
 * from a route's schema, and that a route's own `swaggerTransform` is given the document which is being made.
 *
 * A route that names a scheme which the document does not have makes @fastify/swagger fail. So the first that it sees of
 * ours is a hidden route which answers nothing, and whose transform puts the schemes into the document.
 */

/** In a route's config: what it asks for, where `config.apiKey` does not say so. */
export const ASKED = Symbol('fastify-apikey.asked')

/** How a key is sent, as OpenAPI has it. */
interface Scheme {
  readonly type: string
  readonly [name: string]: string
}

/** What the transform of a route is given: Swagger 2 has another document. */
interface Transformed {
  readonly schema: FastifySchema
  readonly url: string
  readonly openapiObject?: { components?: { securitySchemes?: object } }
  readonly swaggerObject?: { securityDefinitions?: object }
}

/** What all registrations of the plugin say in one document. */
interface Document {
  readonly schemes: Map<string, Scheme>
  /** By the name of the operation, its route. */
  readonly operations: Map<string, RouteOptions>
}

/** By the decorator that makes the document. */
const documents = new WeakMap<object, Document>()

/**
 * For the routes of the API, in place of the application's own transform, which may be for schemas of another kind. Their
 * schemas say what Swagger 2 cannot.
 */
export function swaggerTransform ({ schema, url, swaggerObject }: Transformed): { schema: FastifySchema, url: string } {
  return { schema: swaggerObject === undefined ? withOuterParams(schema, url) : HIDDEN, url: url.replace(/\/$/, '') }
}

/** Names the parameters of outer prefixes too, where others are named: a document in which a path has more is not valid. */
function withOuterParams (schema: FastifySchema, url: string): FastifySchema {
  if (schema.params === undefined) return schema
  const { properties } = schema.params as { properties: object }
  const names = [...url.matchAll(/:(\w+)/g)].map(([, name]) => String(name))
  const all = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
  return { ...schema, params: { type: 'object', properties: { ...all, ...properties }, required: names } }
}

const HIDDEN: FastifySchema & { readonly hide: true } = { hide: true }

/**
 * Makes sure that each route which takes a key is described.
 *
 * @param headers those that may carry one
 * @param ruleOf what a route asks for
 */
export function describeRoutes (app: FastifyInstance, headers: readonly string[], ruleOf: (route: RouteOptions) => Rule): void {
  // Where @fastify/swagger is there already, it sees each route before this hook does. So its first comes now, and else then.
  documentOf(app)
  app.addHook('onRoute', function (route) {
    const asked = (route.config as { [ASKED]?: Rule } | undefined)?.[ASKED]
    const rule = asked ?? ruleOf(route)
    const document = rule === 'open' ? null : documentOf(this)
    if (document === null) return
    describe(route, rule, headers.map((name) => nameOf(toScheme(name), document.schemes)))
    if (asked !== undefined && route.method !== 'HEAD') distinguish(route, document.operations)
  })
}

/** The document that a scope's routes are in; null for none. */
function documentOf (app: FastifyInstance): Document | null {
  const { swagger } = app as { swagger?: unknown }
  return typeof swagger !== 'function' ? null : documents.get(swagger) ?? begin(app, swagger)
}

/** Adds the route that puts the schemes into a document. */
function begin (app: FastifyInstance, swagger: object): Document {
  const document: Document = { schemes: new Map(), operations: new Map() }
  documents.set(swagger, document)
  const addSchemes = ({ openapiObject, swaggerObject, url }: Transformed) => {
    // What the application itself calls so stays.
    if (openapiObject !== undefined) {
      openapiObject.components = { ...openapiObject.components, securitySchemes: { ...Object.fromEntries(document.schemes), ...openapiObject.components?.securitySchemes } }
    } else if (swaggerObject !== undefined) {
      const definitions = [...document.schemes].map(([name, scheme]) => [name, toDefinition(scheme)])
      swaggerObject.securityDefinitions = { ...Object.fromEntries(definitions), ...swaggerObject.securityDefinitions }
    }
    return { schema: HIDDEN, url }
  }
  // By a method that nobody uses, so that it stands in nobody's way.
  app.trace('/fastify-apikey', { config: { apiKey: false, swaggerTransform: addSchemes } as object }, (_request, reply) => { reply.code(404).send() })
  return document
}

function toScheme (header: string): Scheme {
  return isAuthorization(header) ? { type: 'http', scheme: 'bearer', bearerFormat: 'API key' } : { type: 'apiKey', in: 'header', name: header }
}

/** Swagger 2 knows bearer tokens only as what a header holds. */
function toDefinition (scheme: Scheme): Scheme {
  return scheme.type === 'http' ? { type: 'apiKey', in: 'header', name: 'Authorization', description: 'Bearer, a blank and the key' } : scheme
}

/** What a scheme is called: `apiKey`, or with a number where another is called so. */
function nameOf (scheme: Scheme, schemes: Map<string, Scheme>): string {
  const known = [...schemes].find(([, other]) => isDeepStrictEqual(other, scheme))?.[0]
  const name = known ?? (schemes.size === 0 ? 'apiKey' : `apiKey${schemes.size + 1}`)
  schemes.set(name, scheme)
  return name
}

/** Says in the schema of a route what it asks for, unless that says so itself. Schemas may be shared, so not in place. */
function describe (route: RouteOptions, rule: Rule, names: readonly string[]): void {
  if (route.schema !== undefined && 'security' in route.schema) return
  const keys = names.map((name) => ({ [name]: [] }))
  route.schema = {
    ...route.schema,
    ...{ security: rule === 'optional' ? [...keys, {}] : keys },
    // OpenAPI 3.0 takes scopes for OAuth alone.
    ...(typeof rule !== 'string' && rule.length > 0 && { 'x-required-scopes': [...rule] })
  }
}

/** Two APIs in one document may not call their operations the same. */
function distinguish (route: RouteOptions, operations: Map<string, RouteOptions>): void {
  const { operationId } = route.schema as { operationId: string }
  let own = operationId
  // The same route comes twice where it is there with and without a slash.
  for (let i = 2; (operations.get(own) ?? route) !== route; i++) own = `${operationId}${i}`
  operations.set(own, route)
  route.schema = { ...route.schema, ...{ operationId: own } }
}
