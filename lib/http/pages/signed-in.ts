import type { FastifyReply, FastifyRequest } from 'fastify'
import { NotFoundError } from '../../errors.js'
import type { ProfileRecord } from '../../keys/profile-records.js'
import { findVisitor, type Visitor } from '../visitor.js'
import { toLocalPath, toLoginUrl } from './login.js'
import { baseOf, redirect, sendMessage, speakTo, type PagesContext } from './page.js'
import { endSession } from './session-ended.js'
import type { Visit } from './visit.js'

const visitors = new WeakMap<FastifyRequest, Visitor>()

/** Who has sent a request; null as long as that is not known. */
export function visitorOf (request: FastifyRequest): Visitor | null {
  return visitors.get(request) ?? null
}

/** Makes a handler of what happens for people who are signed in; others are sent to sign in. */
export function signedIn (context: PagesContext, handle: (visit: Visit) => Promise<FastifyReply>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const visitor = await findVisitor(context.getUser, request)
    if (visitor === null) return await turnAway(context, request, reply)
    visitors.set(request, visitor)
    return await handle({ context, visitor, language: speakTo(context, request), base: baseOf(context, request), request, reply })
  }
}

/**
 * Makes a handler of what happens for administrators. For everybody else there is no such page: they get the answer for a
 * key that there is not.
 */
export function forAdmins (context: PagesContext, handle: (visit: Visit) => Promise<FastifyReply>) {
  return signedIn(context, async (visit) => {
    if (visit.visitor.user.admin !== true) throw new NotFoundError('API key', 'admin')
    return await handle(visit)
  })
}

/**
 * The profile of whose keys the visitor sees, made if `autoProfile` allows. An administrator needs none to look after others.
 *
 * @throws FST_API_KEY_NO_PROFILE
 */
export async function ownProfile ({ context, visitor }: Visit): Promise<ProfileRecord> {
  return await context.internals.visit(visitor.user, visitor.by)
}

function turnAway (context: PagesContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> | FastifyReply {
  const { loginUrl } = context.settings
  if (request.method === 'POST') return endSession(context, request, reply)
  if (loginUrl !== undefined) return redirect(reply, toLoginUrl(loginUrl, toLocalPath(request.originalUrl)))
  const { say } = speakTo(context, request)
  return sendMessage(context, reply, 401, { heading: say('message.signIn'), text: say('message.signInText'), link: null })
}
