import type { FastifyReply } from 'fastify'
import { readField } from './form.js'
import { toKeyView } from './key-view.js'
import { findKey, homeOf, surroundings } from './owned-key.js'
import { redirect, sendPage } from './page.js'
import { withQuery } from './urls.js'
import type { Visit } from './visit.js'

/** `GET /:id/revoke`: asks whether to revoke a key. */
export async function askRevoke (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language, base, reply } = visit
  const key = await findKey(visit)
  return await sendPage(context, reply, {
    status: 200,
    view: 'revoke',
    title: language.say(key.state === 'revoked' ? 'revoke.doneTitle' : 'revoke.title'),
    visitor,
    ...surroundings(visit, key),
    data: { key: toKeyView(key, base, context.now(), language) }
  })
}

/** `POST /:id/revoke`: revokes a key, or with `action=Cancel` goes back. */
export async function revokeKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, request, reply } = visit
  const action = readField(request.body, 'action')
  const key = await findKey(visit)
  const { href: home } = homeOf(visit, key)
  if (action?.toLowerCase() === 'cancel') return redirect(reply, home)
  await context.service.revoke(key.id, visitor.by)
  return redirect(reply, withQuery(home, { revoked: key.id }))
}
