import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler, RouteOptions } from 'fastify'
import { isRefusal, MissingKeyError, retryHeaders } from '../errors.js'
import type { RateLimit, RateState } from '../limits.js'
import type { Access } from '../keys/access.js'
import type { Admission } from '../keys/admission.js'
import { findMissing } from '../keys/scopes.js'
import { addressOf } from './address.js'
import { createChallenge, type Challenge } from './challenge.js'
import { createHeaderReader, isAuthorization, type ReadHeader } from './header.js'
import { isMixed, isPreflight, markGuarded, mayPass } from './preflight.js'
import { createConfigReader } from './route-config.js'
import { refuseUndeclared, toRule, type Rule } from './rule.js'

/** The options that concern requests. */
export interface GuardSettings {
  readonly headers: readonly string[]
  readonly prefixes: readonly string[]
  readonly realm: string
  readonly required: boolean
  /** The scopes that are declared; null when any may be asked for. */
  readonly scopes: ReadonlyMap<string, string> | null
  /** What limits the failed attempts of an address; null for nothing. */
  readonly failureLimit: RateLimit | null
}

/** Stands between requests and handlers. Its hooks take a callback: a promise would cost more than the check itself. */
export class Guard {
  readonly #admission: Admission
  readonly #configOf = createConfigReader()
  readonly #readers: readonly ReadHeader[]
  readonly #challenge: Challenge
  readonly #fallback: Rule
  /** The headers that may carry the key, in words. */
  readonly #headers: string
  readonly #scopes: ReadonlyMap<string, string> | null
  readonly #limitsFailures: boolean
  #hasWarned = false

  constructor (admission: Admission, settings: GuardSettings) {
    this.#admission = admission
    this.#readers = settings.headers.map((name) => createHeaderReader(name, settings.prefixes))
    this.#challenge = createChallenge(settings.headers, settings.realm)
    this.#fallback = settings.required ? 'required' : 'optional'
    this.#headers = settings.headers.map(inWords).join(' or ')
    this.#scopes = settings.scopes
    this.#limitsFailures = settings.failureLimit !== null
  }

  /** The hook for all requests: does what the route says, or else what the option `required` says. */
  readonly onRequest: onRequestHookHandler = (request, reply, done) => {
    const { apiKey } = this.#configOf(request)
    const rule = apiKey === undefined ? this.#fallback : toRule(apiKey, this.#fallback, request.routeOptions.url)
    if (rule === 'open' || (request.method === 'OPTIONS' && isPreflight(request) && mayPass(request))) return done()
    this.#check(request, reply, rule, done)
  }

  /** The check as a hook for one scope or for @fastify/auth: needs a key unless the route says otherwise. */
  readonly verifyApiKey: onRequestHookHandler = (request, reply, done) => {
    const { config, url, method } = request.routeOptions
    const rule = toRule(config.apiKey, 'required', url)
    if (rule === 'open' || (method === 'OPTIONS' && isPreflight(request))) return done()
    this.#check(request, reply, rule, done)
  }

  /**
   * Looks at each route when it is added: refuses a wrong `config.apiKey` and undeclared scopes, and sees to preflights.
   *
   * @throws FST_API_KEY_INVALID_ROUTE_CONFIG, FST_API_KEY_UNDECLARED_SCOPE
   */
  readonly onRoute = (route: RouteOptions): void => {
    const rule = this.ruleOf(route)
    refuseUndeclared(rule, this.#scopes, route.url)
    if (rule === 'open' || !isMixed(route.method)) return
    markGuarded(route)
    route.onRequest = [...[route.onRequest ?? []].flat(), (request, reply, done) => {
      // What comes here without a user passed as a preflight or is optional. No hook has answered it.
      this.#check(request, reply, rule, done)
    }]
  }

  /** The secret that a request carries, empty when it cannot be one, and in which of the headers; null when there is none. */
  readSecret (request: FastifyRequest): { secret: string, header: number } | null {
    for (const [header, read] of this.#readers.entries()) {
      const secret = read(request)
      if (secret !== null) return { secret, header }
    }
    return null
  }

  /** The check for a route that needs a key with some scopes and decides by itself when it is made. */
  requireScopes (request: FastifyRequest, reply: FastifyReply, scopes: readonly string[], done: HookHandlerDoneFunction): void {
    this.#check(request, reply, scopes, done)
  }

  /** Takes note of a request without a key, adds the challenge, and gives the error that says so. */
  missing (request: FastifyRequest, reply: FastifyReply): Error {
    reply.header('www-authenticate', this.#challenge(null, null))
    const error = new MissingKeyError(this.#headers)
    this.#admission.refuse(error, request)
    return error
  }

  /** What a route asks for. */
  ruleOf (route: RouteOptions): Rule {
    return toRule(route.config?.apiKey, this.#fallback, route.url)
  }

  /** Throws what refuses the request, or gives it to `done` where the answer comes later. */
  #check (request: FastifyRequest, reply: FastifyReply, rule: Rule, done: HookHandlerDoneFunction): void {
    // Of a route that was added before there was anybody to look at it.
    if (typeof rule !== 'string') refuseUndeclared(rule, this.#scopes, request.routeOptions.url)
    // A second check in one request is not counted as another use.
    if (request.apiUser !== null) {
      const missing = typeof rule === 'string' ? null : findMissing(request.apiUser, rule)
      if (missing !== null) throw this.refusal(request, reply, null, missing)
      return done()
    }
    for (let header = 0; header < this.#readers.length; header++) {
      const secret = this.#readers[header]?.(request)
      // The first header that is present decides.
      if (secret != null) return this.#verify(request, reply, rule, secret, header, done)
    }
    if (rule === 'optional') return done()
    throw this.missing(request, reply)
  }

  #verify (request: FastifyRequest, reply: FastifyReply, rule: Rule, secret: string, header: number, done: HookHandlerDoneFunction): void {
    let verified: void | Promise<void>
    try {
      const at = this.#admission.now()
      const access = this.#admission.check(secret, request, at)
      verified = access instanceof Promise
        ? access.then((access) => this.#admit(request, reply, rule, access, this.#admission.now()))
        : this.#admit(request, reply, rule, access, at)
    } catch (error) {
      throw this.refusal(request, reply, header, error)
    }
    if (!(verified instanceof Promise)) return done()
    verified.catch((error: unknown) => { throw this.refusal(request, reply, header, error) }).then(() => done(), done)
  }

  /**
   * Takes note of what refuses a request, and adds the challenge to a 401 and where scopes are missing, and when to try again to a 429 and a 503. Set on
   * the reply, since an error's own headers are lost under a custom error handler.
   */
  refusal (request: FastifyRequest, reply: FastifyReply, header: number | null, error: unknown): unknown {
    if (isRefusal(error)) {
      this.#admission.refuse(error, request)
      if (error.statusCode === 401) {
        reply.header('www-authenticate', this.#challenge('invalid_token', header))
        // All that come by one proxy would be taken for one caller.
        if (this.#limitsFailures) this.#warnOfProxies(request, 'failed attempts are limited by address')
      }
      if (error.missing !== undefined) reply.header('www-authenticate', this.#challenge('insufficient_scope', header, error.missing))
      if (error.retryAfter !== undefined) reply.header('retry-after', error.retryAfter)
      if (error.rate !== undefined) tellRate(reply, error.rate)
    }
    reply.headers(retryHeaders(error))
    return error
  }

  /** What stands between a key in good state and the handler: address, scopes, rate and quota, in this order. */
  #admit (request: FastifyRequest, reply: FastifyReply, rule: Rule, access: Access, at: number): void | Promise<void> {
    const { ip: given } = request
    // Mostly it is the address from before, which need not be looked at again.
    const ip = given === access.loggedIp ? access.loggedIp : addressOf(request)
    if (access.isBound) this.#requireAddress(request, access, ip)
    const missing = typeof rule === 'string' ? null : findMissing(access.user, rule)
    if (missing !== null) throw missing
    const rate = access.isLimited ? this.#admission.limit(access) : null
    if (rate instanceof Promise) return rate.then((rate) => this.#accept(request, reply, access, ip, rate, this.#admission.now()))
    this.#accept(request, reply, access, ip, rate, at)
  }

  #accept (request: FastifyRequest, reply: FastifyReply, access: Access, ip: string | null, rate: RateState | null, at: number): void {
    if (rate !== null) tellRate(reply, rate)
    request.apiUser = this.#admission.accept(access, ip, at)
  }

  #requireAddress (request: FastifyRequest, access: Access, ip: string | null): void {
    this.#warnOfProxies(request, 'an API key is bound to addresses')
    access.judgeAddress(ip)
  }

  /** Warns once where it matters from where requests come, and a proxy that is not trusted may hide it. */
  #warnOfProxies (request: FastifyRequest, reason: string): void {
    // Fastify knows the addresses of proxies only where the application trusts some.
    if (this.#hasWarned || request.ips !== undefined || request.headers['x-forwarded-for'] === undefined) return
    this.#hasWarned = true
    request.log.warn(`${reason} and a request came with X-Forwarded-For, which is not looked at; behind a proxy, set trustProxy of Fastify`)
  }
}

/** A header, and what is sent in it where that is not the key alone. */
function inWords (header: string): string {
  return isAuthorization(header) ? `${header}: Bearer <key>` : header
}

/** The headers of draft-ietf-httpapi-ratelimit-headers, by the names that @fastify/rate-limit gives them. */
function tellRate (reply: FastifyReply, { max, remaining, reset }: RateState): void {
  reply.header('ratelimit-limit', max).header('ratelimit-remaining', remaining).header('ratelimit-reset', reset)
}
