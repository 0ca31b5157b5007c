import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, RouteShorthandOptions } from 'fastify'
import { InvalidKeyError, isRefusal, retryHeaders } from '../../errors.js'
import type { Internals } from '../../keys/internals.js'
import type { KeyBounds } from '../../keys/key-arguments.js'
import type { ApiKeys } from '../../keys/service.js'
import { createDoor, findPrincipal, headerOf, NEEDED, type Ask, type PrincipalDeps } from './principal.js'
import { handlersOf } from './handlers.js'
import { configOf } from './route.js'
import { schemasOf } from './schemas.js'
import { selfRoutes } from './self.js'
import { compileValidator } from './validation.js'

/** What the API needs of the plugin. */
export interface ApiDeps extends PrincipalDeps {
  readonly service: ApiKeys
  readonly internals: Internals
  readonly settings: KeyBounds
}

/** Far more than a key takes. */
const BODY_LIMIT = 64 * 1024

/**
 * The JSON API: what people and programs may do with their keys. A scope of its own, in which the application's compilers,
 * serializer and parsers do not count, and its error handler does: errors are to look as all others of the application.
 */
export async function api (app: FastifyInstance, deps: ApiDeps): Promise<void> {
  const schemas = schemasOf(deps.settings)
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(() => toJson)
  app.setReplySerializer(toJson)
  await app.register(selfRoutes, { service: deps.service, internals: deps.internals, guard: deps.guard, schemas })
  await app.register(async (app) => {
    takeJson(app)
    app.addHook('onRequest', createDoor(deps))
    const { list, create, get, update, revoke, rotate, usage, rateLimit, history } = handlersOf(deps.internals)

    app.get('/', route(schemas.list), known(list))
    app.post('/', route(schemas.create), known(create))
    app.get('/:id', route(schemas.get), known(get))
    app.patch('/:id', route(schemas.update), known(update))
    app.delete('/:id', route(schemas.revoke), known(revoke))
    app.post('/:id/rotate', { ...route(schemas.rotate), preValidation: expectNothing }, known(rotate))
    app.get('/:id/usage', route(schemas.usage), known(usage))
    app.get('/:id/rate-limit', route(schemas.rateLimit), known(rateLimit))
    app.get('/:id/history', route(schemas.history), known(history))
  })

  /** Makes a handler of what happens for somebody who is known. What is wrong with a request is told to those alone. */
  function known (handle: (ask: Ask) => Promise<unknown>) {
    return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      try {
        const principal = await findPrincipal(deps, request, reply)
        if (request.validationError !== undefined) throw request.validationError
        return await handle({ principal, request, reply })
      } catch (error) {
        reply.headers(retryHeaders(error))
        // Of a key that was good when its request came, and is not any more.
        throw error instanceof InvalidKeyError || (isRefusal(error) && error.keyId !== undefined) ? deps.guard.refusal(request, reply, headerOf(request), error) : error
      }
    }
  }
}

/** Who asks is found out by the routes themselves. */
function route (schema: FastifySchema): RouteShorthandOptions {
  return { config: configOf(NEEDED), schema, attachValidation: true, bodyLimit: BODY_LIMIT }
}

/** Errors come with what makes them readable not their own. */
function toJson (value: unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value)
  const { statusCode, code, error, message } = value as Error & { statusCode?: unknown, code?: unknown, error?: unknown }
  return JSON.stringify({ statusCode, code, error, message })
}

/** Takes JSON alone, as Fastify does where nothing else is said. Some clients name the type where nothing follows. */
function takeJson (app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    return body === '' ? done(null, undefined) : parse(request, String(body), done)
  })
}

/** For a route whose body says nothing that must be said. */
async function expectNothing (request: FastifyRequest): Promise<void> {
  if (request.body === undefined) request.body = {}
}
