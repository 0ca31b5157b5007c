import { Writable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import apiKey, { type ApiKeyOptions } from '../../lib/index.js'
import type { ServiceLog } from '../../lib/keys/service.js'

/** When the clock of the tests starts. */
export const T0 = 1_700_000_000_000

/** In milliseconds, as all that is added to a time. */
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** The default header in the spelling of Node. */
export const HEADER = 'x-api-authorization'

/** A clock for the option `now`. */
export class Clock {
  time = T0
  readonly now = (): number => this.time
  tick (milliseconds: number): void {
    this.time += milliseconds
  }
}

/** What a server writes to its log, as text and as objects. */
export class Log {
  text = ''
  readonly stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      this.text += chunk.toString()
      done()
    }
  })

  get lines (): Record<string, unknown>[] {
    return this.text.split('\n').filter((line) => line !== '').map((line): Record<string, unknown> => JSON.parse(line))
  }

  messages (level?: number): unknown[] {
    return this.lines.filter((line) => level === undefined || line['level'] === level).map((line) => line['msg'])
  }
}

/** Hears nothing of what a service reports. */
export const silentLog: ServiceLog = { listenerFailed () {}, writeFailed () {}, writeRecovered () {}, refused () {}, refusedMore () {} }

/** The levels of the log. */
export const INFO = 30
export const WARN = 40
export const ERROR = 50

/** A server without the plugin, closed with the test. Its log goes to `log`. */
export function bareServer (t: Test, log = new Log(), trustProxy = false): FastifyInstance {
  const app = Fastify({ logger: { level: 'trace', stream: log.stream }, trustProxy })
  t.teardown(() => app.close())
  return app as unknown as FastifyInstance
}

/** A server with the plugin on a database in memory, and one route, `/me`, that answers with `request.apiUser`. */
export async function server (t: Test, options: ApiKeyOptions = {}, log = new Log(), trustProxy = false): Promise<FastifyInstance> {
  const app = bareServer(t, log, trustProxy)
  await app.register(apiKey, { database: ':memory:', ...options })
  app.get('/me', me)
  return app
}

/** Answers with `request.apiUser`. */
export async function me (request: FastifyRequest, _reply: FastifyReply) {
  return { user: request.apiUser }
}

/** Asks for `/me` with a key and gives the status and the body. */
export async function ask (app: FastifyInstance, key?: string, url = '/me'): Promise<{ status: number, body: Record<string, unknown> & { user?: Record<string, unknown> | null } }> {
  const response = await app.inject({ url, headers: key === undefined ? {} : { [HEADER]: key } })
  return { status: response.statusCode, body: response.json() }
}
