import type { FastifyReply } from 'fastify'
import { MAX_REASON, REASON } from '../../../keys/arguments.js'
import { readField, readHint } from '../form.js'
import { redirect, sendPage } from '../page.js'
import type { Visit } from '../visit.js'
import { toRevokeAllUrl, toUserHome, toUserUrl } from './urls.js'

/** `GET /admin/revoke-all?user=`: asks whether to revoke all keys of a user. */
export async function askRevokeAll (visit: Visit, userId: string): Promise<FastifyReply> {
  // As it was entered when the session had ended.
  return await ask(visit, userId, readHint(visit.request.query, 'reason') ?? '', null)
}

/** `POST /admin/revoke-all?user=`: revokes them, or with `action=Cancel` goes back. */
export async function revokeAll (visit: Visit, userId: string): Promise<FastifyReply> {
  const { context, visitor, language: { say }, request: { body }, reply } = visit
  if (readField(body, 'action')?.toLowerCase() === 'cancel') return redirect(reply, toUserUrl(visit, userId))
  const reason = (readField(body, 'reason') ?? '').trim()
  if (!REASON.test(reason)) return await ask(visit, userId, reason, say('admin.reasonWrong', { max: MAX_REASON }))
  await context.service.revokeAll(userId, reason === '' ? {} : { reason }, visitor.by)
  return redirect(reply, toUserUrl(visit, userId, { done: 'revoked' }))
}

async function ask (visit: Visit, userId: string, reason: string, error: string | null): Promise<FastifyReply> {
  const { context, visitor, language: { say }, reply } = visit
  const { live } = await context.service.count(userId)
  const title = say('admin.revokeAll')
  return await sendPage(context, reply, {
    status: error === null ? 200 : 400,
    view: 'admin-revoke-all',
    title: error === null ? title : say('page.error', { title }),
    visitor,
    home: toUserHome(visit, userId),
    data: { userId, live, action: toRevokeAllUrl(visit, userId), reason, error }
  })
}
