import type { FastifyReply } from 'fastify'
import { NotFoundError } from '../../errors.js'
import type { KeyRecord } from '../../keys/records.js'
import { readField } from './form.js'
import { toKeyView } from './key-view.js'
import { redirect, sendPage } from './page.js'
import type { Visit } from './signed-in.js'

/** `GET /:id/revoke`: asks whether to revoke a key. */
export async function askRevoke (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language, base, reply } = visit
  const key = await findKey(visit)
  return await sendPage(context, reply, {
    status: 200,
    view: 'revoke',
    title: language.say(key.state === 'revoked' ? 'revoke.doneTitle' : 'revoke.title'),
    visitor,
    data: { key: toKeyView(key, base, context.now(), language) }
  })
}

/** `POST /:id/revoke`: revokes a key, or with `action=Cancel` goes back. */
export async function revokeKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, base, request, reply } = visit
  const action = readField(request.body, 'action')
  const key = await findKey(visit)
  if (action?.toLowerCase() === 'cancel') return redirect(reply, base)
  await context.service.revoke(key.id, visitor.by)
  return redirect(reply, `${base}?revoked=${encodeURIComponent(key.id)}`)
}

/** Another owner's key is as unknown as one that never was. */
async function findKey ({ context, visitor, request }: Visit): Promise<KeyRecord> {
  const id = String(readField(request.params, 'id'))
  const key = await context.service.get(id)
  if (key === null || key.userId !== visitor.owner) throw new NotFoundError('API key', id)
  return key
}
