import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Internals } from '../../keys/internals.js'
import type { Principal } from '../../keys/on-behalf.js'
import { MANAGE } from '../../keys/scopes.js'
import { addressOf } from '../address.js'
import type { Guard } from '../guard.js'
import { refuseForeignOrigins } from '../origin.js'
import { findVisitor, type GetUser } from '../visitor.js'
import { ANSWER_HEADERS } from './headers.js'

/** What it takes to find the principal of a request. */
export interface PrincipalDeps {
  readonly internals: Pick<Internals, 'visit'>
  readonly guard: Guard
  readonly getUser: GetUser | undefined
  /** Of whose pages people may make changes, besides the API's own. */
  readonly trustedOrigins: ReadonlySet<string>
}

/** A request whose principal is known. */
export interface Ask {
  readonly principal: Principal
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** What the key of a program has to have. */
export const NEEDED: readonly string[] = [MANAGE]

/** A secret, and in which of the headers it came. */
type Carried = NonNullable<ReturnType<Guard['readSecret']>>

/** What each request carried when it came in, whatever the application makes of its headers later. */
const carried = new WeakMap<FastifyRequest, Carried>()

/**
 * Makes the hook that lets programs in by their keys, before their bodies are read, and keeps other sites from using
 * somebody's session. A request that carries a key is a program's, whatever else it carries: a bad key is refused.
 */
export function createDoor ({ guard, getUser, trustedOrigins }: PrincipalDeps): onRequestHookHandler {
  const refuseForeign = refuseForeignOrigins(trustedOrigins)
  return function (request, reply, done) {
    reply.headers(ANSWER_HEADERS)
    const sent = guard.readSecret(request)
    if (sent !== null) carried.set(request, sent)
    if (getUser === undefined || sent !== null) return guard.requireScopes(request, reply, NEEDED, done)
    refuseForeign.call(this, request, reply, done)
  }
}

/**
 * Finds the principal of a request. People are looked for here and not in the hook, as late as the pages do, since the application may
 * need hooks of its own to know them.
 *
 * @throws FST_API_KEY_MISSING, FST_API_KEY_NO_PROFILE, FST_API_KEY_INVALID_CALLBACK_RESULT, FST_API_KEY_CALLBACK_FAILED
 */
export async function findPrincipal ({ internals, guard, getUser }: PrincipalDeps, request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
  const { apiUser } = request
  const secret = carried.get(request)?.secret ?? null
  if (apiUser !== null && secret !== null) {
    const ip = addressOf(request)
    return { owner: apiUser.id, secret, by: { actor: `key:${apiUser.keyId}`, ...(ip !== null && { ip }) } }
  }
  // Not for a key whose login was ended on the way.
  const visitor = getUser === undefined || secret !== null ? null : await findVisitor(getUser, request)
  if (visitor === null) throw guard.missing(request, reply)
  await internals.visit(visitor.user, visitor.by)
  return { owner: visitor.owner, secret: null, by: visitor.by }
}

/** In which of the headers the secret of a request came, which carried one. */
export function headerOf (request: FastifyRequest): number {
  return (carried.get(request) as Carried).header
}
