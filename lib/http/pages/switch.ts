import type { FastifyReply } from 'fastify'
import { tellConflict } from './conflict.js'
import { findKey } from './owned-key.js'
import { redirect } from './page.js'
import { keyUrl, withQuery } from './urls.js'
import type { Visit } from './visit.js'

/** `POST /:id/enable`: switches a key on. */
export async function enableKey (visit: Visit): Promise<FastifyReply> {
  return await switchKey(visit, true)
}

/** `POST /:id/disable`: switches a key off, until it is switched on again. */
export async function disableKey (visit: Visit): Promise<FastifyReply> {
  return await switchKey(visit, false)
}

async function switchKey (visit: Visit, enabled: boolean): Promise<FastifyReply> {
  const { context, visitor, base, reply } = visit
  const key = await findKey(visit)
  try {
    await context.service.update(key.id, { enabled }, visitor.by)
  } catch (error) {
    return await tellConflict(visit, key, error)
  }
  return redirect(reply, withQuery(keyUrl(base, key.id), { done: enabled ? 'enabled' : 'disabled' }))
}
