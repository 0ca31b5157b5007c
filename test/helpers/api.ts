import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { ApiKeyOptions } from '../../lib/index.js'
import { HEADER, server } from './app.js'
import { userOf } from './pages.js'

/** Who makes a request: a person by id, a program by its secret, or nobody. */
export type Caller = { user: string } | { key: string } | null

/** An application with the API, and somebody to ask it. */
export interface Api {
  readonly app: FastifyInstance
  call (caller: Caller, method: NonNullable<InjectOptions['method']>, path?: string, body?: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>
}

/** An application with the API on a database in memory, unless the options say otherwise; a header `user` says who is signed in. */
export async function buildApi (t: Test, options: ApiKeyOptions = {}): Promise<Api> {
  const app = await server(t, { api: true, pages: false, getUser: userOf, ...options })
  return { app, call: (caller, method, path = '', body, headers) => callApi(app, caller, method, path, body, headers) }
}

/** Sends a request to the API. A text is sent as it is, anything else as JSON. */
export function callApi (
  app: FastifyInstance, caller: Caller, method: NonNullable<InjectOptions['method']>, path = '', body?: unknown, headers: Record<string, string> = {}
): Promise<LightMyRequestResponse> {
  const identity: Record<string, string> = caller === null ? {} : 'user' in caller ? { user: caller.user } : { [HEADER]: caller.key }
  return app.inject({
    method,
    url: `/api-keys${path}`,
    headers: { ...identity, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) })
  })
}

/** A key that may manage others, with its record. */
export async function manager (app: FastifyInstance, userId = 'ann', options: Parameters<FastifyInstance['apiKeys']['create']>[1] = {}) {
  const { scopes = [], ...rest } = options
  return await app.apiKeys.create(userId, { scopes: ['api-keys:manage', ...scopes], ...rest })
}
