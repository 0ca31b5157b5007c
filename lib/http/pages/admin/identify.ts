import type { FastifyReply } from 'fastify'
import { isWellFormed } from '../../../keys/secret.js'
import { readField } from '../form.js'
import { toKeyView } from '../key-view.js'
import { redirect, sendPage } from '../page.js'
import type { Visit } from '../visit.js'
import type { FoundKeyView } from './data.js'
import { sendDirectory, toBox } from './directory.js'
import { homeOfAdmins, toUserUrl } from './urls.js'

/** More than a key with its header needs. What is longer is no key, and not worth looking through. */
const MAX_PASTED = 1000

/**
 * `POST /admin/identify` (field `secret`): tells whose key a secret is. Nothing is changed, and no answer repeats what was
 * entered.
 */
export async function identify (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language: { say }, request, reply } = visit
  const secret = extractSecret(readField(request.body, 'secret') ?? '')
  if (secret === '') return await sendDirectory(visit, { box: say('admin.secretMissing') })
  const found = await findKey(visit, secret)
  return await sendPage(context, reply, {
    status: 200,
    view: 'admin-found',
    title: found === null ? say('admin.notFoundTitle') : say('admin.foundTitle', { name: found.userId }),
    visitor,
    data: { box: toBox(visit, null), found, isWellFormed: isWellFormed(secret) }
  })
}

/** `GET /admin/identify`: where a browser comes that asks for the answer's address again. */
export async function backToBox (visit: Visit): Promise<FastifyReply> {
  return redirect(visit.reply, homeOfAdmins(visit))
}

async function findKey (visit: Visit, secret: string): Promise<FoundKeyView | null> {
  const { context: { service, internals, now }, language, base } = visit
  const found = await internals.recognize(secret)
  if (found === null) return null
  const { key, isPrevious } = found
  const at = now()
  const profile = await service.profiles.get(key.userId)
  const until = isPrevious ? key.previousUntil : null
  const isOver = until !== null && until.getTime() <= at
  const isForbidden = profile?.canUseApi === false
  const isRefused = key.state !== 'active' || isForbidden
  return {
    key: toKeyView(key, base, at, language),
    userId: key.userId,
    userUrl: toUserUrl(visit, key.userId),
    isAccepted: !isRefused && !isOver,
    isForbidden,
    replaced: until === null ? null : { isOver, until: isRefused ? null : language.due(until, at) }
  }
}

/**
 * The secret in what somebody pasted: without blanks and quotes around it, and without the header that carried it.
 */
function extractSecret (text: string): string {
  return trim(trim(text.slice(0, MAX_PASTED)).replace(/^(?:[\w-]+:\s*)?(?:Bearer\s+)?/i, ''))
}

function trim (text: string): string {
  return text.replace(/^[\s"'`“”‘’„«»]+|[\s"'`“”‘’„«»]+$/g, '')
}
