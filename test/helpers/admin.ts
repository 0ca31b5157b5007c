import type { FastifyRequest, FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { ApiKeyOptions, User } from '../../lib/index.js'
import { buildPages, NOW, type PagesApp } from './pages.js'

/** The pages, of which those for administrators are open to `root`. The clock moves with `tick`. */
export async function buildAdmin (t: Test, options: ApiKeyOptions = {}, server: FastifyServerOptions = {}): Promise<PagesApp & { tick (milliseconds: number): void }> {
  let now = NOW
  const pages = await buildPages(t, { getUser: rootOrUser, now: () => now, ...options }, undefined, server)
  return {
    ...pages,
    get: (url, user = 'root', headers = {}) => pages.get(url, user, headers),
    post: (url, fields, user = 'root', headers = {}) => pages.post(url, fields, user, headers),
    tick: (milliseconds) => { now += milliseconds }
  }
}

/** Who a request's header `user` says is signed in; `root` is an administrator. */
export function rootOrUser ({ headers }: FastifyRequest): User | null {
  const { user } = headers
  return typeof user === 'string' ? { id: user, admin: user === 'root' } : null
}
