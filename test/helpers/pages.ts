import Fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions, type LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import apiKey, { type ApiKeyOptions, type User } from '../../lib/index.js'

/** The clock of the test applications. */
export const NOW = Date.UTC(2026, 2, 14, 12, 0)

/** Who a request's header `user` says is signed in; nobody without it. */
export function userOf (request: FastifyRequest): User | null {
  const id = request.headers['user']
  return typeof id === 'string' ? { id } : null
}

export interface PagesApp {
  readonly app: FastifyInstance
  /** Asks for a page as a user, by default `ann`; null is nobody. */
  get (url: string, user?: string | null, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  /** Sends a form as a user, by default `ann`; null is nobody. */
  post (url: string, fields: Record<string, string> | string, user?: string | null, headers?: Record<string, string>): Promise<LightMyRequestResponse>
}

/** An application with the pages, on a database in memory. `before` adds what is there before the plugin. */
export async function buildPages (
  t: Test, options: ApiKeyOptions = {}, before: (app: FastifyInstance) => void | Promise<void> = () => {}, server: FastifyServerOptions = {}
): Promise<PagesApp> {
  const app = Fastify(server)
  t.after(() => app.close())
  await before(app)
  await app.register(apiKey, { database: ':memory:', getUser: userOf, now: () => NOW, ...options })
  const as = (user: string | null) => user === null ? {} : { user }
  return {
    app,
    get: (url, user = 'ann', headers = {}) => app.inject({ url, headers: { ...as(user), ...headers } }),
    post: (url, fields, user = 'ann', headers = {}) => app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...as(user), ...headers },
      payload: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString()
    })
  }
}

/** The text of a page as a reader sees it, more or less. */
export function textOf ({ body }: LightMyRequestResponse): string {
  const main = body.slice(body.indexOf('<main'))
  // What sets names apart from the text around them is no gap.
  return main.replace(/<\/?bdi>/g, '').replace(/<[^>]*>/g, ' ').replace(/&#39;/g, "'").replace(/&quot;/g, '"').replace(/&lt;/g, '<').replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&').replace(/\s+/g, ' ').trim()
}

/** The value of an attribute of the first element that matches. */
export function attribute (response: LightMyRequestResponse, element: RegExp, name: string): string | undefined {
  const tag = element.exec(response.body)?.[0]
  return tag === undefined ? undefined : new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1]
}

/** The secret on the page that shows a new key. */
export function secretOf (response: LightMyRequestResponse): string {
  return /<textarea id="ak-secret"[^>]*>([^<]*)</.exec(response.body)?.[1] ?? ''
}
