import type { FastifyReply } from 'fastify'
import type { KeyRecord } from '../../keys/records.js'
import { isLive, tellConflict, tellEnded } from './conflict.js'
import { sendCreated } from './created.js'
import type { ChoiceView } from './data/form.js'
import { codeOf } from './failure.js'
import { readField, readHint } from './form.js'
import { toKeyView, toPreviousUntil } from './key-view.js'
import type { Language } from './language.js'
import { findKey, surroundings, whyForbidden } from './owned-key.js'
import { redirect, sendPage } from './page.js'
import { keyUrl } from './urls.js'
import type { Visit } from './visit.js'

const HOUR = 3_600_000

/** How long the old secret may go on working, by what is sent. */
const OVERLAPS = new Map([['0', 0], ['1h', HOUR], ['24h', 24 * HOUR], ['7d', 7 * 24 * HOUR]])
const USUAL = '24h'

/** `GET /:id/rotate`: asks how long the old secret shall go on working. */
export async function askRotate (visit: Visit): Promise<FastifyReply> {
  const key = await findKey(visit)
  return isLive(key) ? await sendRotate(visit, key, 200, null) : await tellEnded(visit, key)
}

/**
 * `POST /:id/rotate`: gives a key a new secret and shows it, this once, or with `action=Cancel` goes back. The field `rotated`
 * says which secret the form was for, so that sending it twice does not end the secret that the first time showed.
 */
export async function rotateKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language, base, request, reply } = visit
  const [action, chosen = '0', rotated] = ['action', 'overlap', 'rotated'].map((name) => readField(request.body, name))
  const key = await findKey(visit)
  if (action?.toLowerCase() === 'cancel') return redirect(reply, keyUrl(base, key.id))
  if (!isLive(key)) return await tellEnded(visit, key)
  const overlap = OVERLAPS.get(chosen)
  if (overlap === undefined) return await sendRotate(visit, key, 400, language.say('rotate.unknown'))
  const forbidden = await findForbidden(visit, key)
  try {
    const { key: secret, ...record } = await context.service.rotate(key.id, { overlap, ...(rotated !== undefined && { rotatedAt: toTime(rotated) }) }, visitor.by)
    return await sendCreated(visit, record, secret, forbidden, true)
  } catch (error) {
    if (codeOf(error) === 'FST_API_KEY_INVALID_ARGUMENT') return await sendRotate(visit, key, 400, language.say('rotate.tooLong'))
    return await tellConflict(visit, key, error)
  }
}

/** The time of the rotation that the form was for; null for none. What is no time fits none. */
function toTime (text: string): Date | null {
  if (text === '') return null
  const time = Number(text)
  return new Date(Number.isSafeInteger(time) && Math.abs(time) <= 8.64e15 ? time : 0)
}

async function findForbidden (visit: Visit, { userId }: KeyRecord): Promise<string | null> {
  return whyForbidden(visit, userId, await visit.context.service.profiles.get(userId))
}

async function sendRotate (visit: Visit, key: KeyRecord, status: number, error: string | null): Promise<FastifyReply> {
  const { context, visitor, language, base, reply } = visit
  const now = context.now()
  const title = language.say('rotate.title')
  return await sendPage(context, reply, {
    status,
    view: 'rotate',
    title: error === null ? title : language.say('page.error', { title }),
    visitor,
    ...surroundings(visit, key),
    data: {
      key: toKeyView(key, base, now, language),
      overlaps: toChoices(key, now, readHint(visit.request.query, 'overlap'), language),
      error,
      rotated: String(key.rotatedAt?.getTime() ?? ''),
      previousUntil: toPreviousUntil(key, await findForbidden(visit, key), now, language)
    }
  })
}

/** Those that end before the key does, with a minute to choose one. `asked` is what was chosen before. */
function toChoices ({ expiresAt }: KeyRecord, now: number, asked: string | undefined, { say, duration }: Language): ChoiceView[] {
  const fitting = [...OVERLAPS].filter(([, overlap]) => overlap === 0 || expiresAt === null || now + overlap + 60_000 <= expiresAt.getTime())
  const preset = [asked, USUAL].find((wanted) => fitting.some(([value]) => value === wanted)) ?? fitting.at(-1)?.[0]
  return fitting.map(([value, overlap]) => ({ value, text: overlap === 0 ? say('rotate.none') : say('rotate.overlap', { length: duration(overlap) }), selected: value === preset }))
}
