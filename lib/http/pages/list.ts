import type { FastifyReply } from 'fastify'
import type { KeyRecord, ProfileRecord } from '../../keys/records.js'
import { toCurl } from './curl.js'
import type { Notice, RoomView } from './data.js'
import { codeOf } from './failure.js'
import { findFault, readField, readHint } from './form.js'
import { toFormView } from './key-form.js'
import { toKeyView } from './key-view.js'
import type { Language } from './language.js'
import { sendMessage, sendPage } from './page.js'
import { ownProfile, type Visit } from './signed-in.js'

/** `GET /`: the visitor's keys and the form for another. */
export async function showList (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, request } = visit
  const profile = await ownProfile(visit)
  const keys = await context.service.list(visitor.owner)
  return await sendList(visit, profile, 200, keys, {
    name: readHint(request.query, 'name') ?? '',
    notice: revokedNotice(keys, readHint(request.query, 'revoked'), visit.language) ?? standing(profile, visit.language)
  })
}

/** `POST /`: makes a key and shows it, this once. */
export async function createKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language, base, request, reply } = visit
  const name = (readField(request.body, 'name') ?? '').trim()
  const nonce = readField(request.body, 'nonce')
  const profile = await ownProfile(visit)
  const error = findFault(name, language)
  if (error !== null) return await sendList(visit, profile, 400, await context.service.list(visitor.owner), { name, error })
  try {
    const { key: secret, ...key } = await context.service.create(visitor.owner, nonce === undefined ? { name } : { name, nonce }, visitor.by)
    return await sendPage(context, reply, {
      status: 200,
      view: 'created',
      title: language.say('created.title'),
      visitor,
      data: { key: toKeyView(key, base, context.now(), language), secret, curl: toCurl(request, context.header, secret, context.examplePath()) }
    })
  } catch (error) {
    return await explain(visit, profile, error, name)
  }
}

/** Whether a key counts against the limit. */
function isLive ({ state }: KeyRecord): boolean {
  return state === 'active' || state === 'disabled'
}

interface Entered {
  readonly name: string
  readonly error?: string
  readonly notice?: Notice | null
}

async function sendList (visit: Visit, profile: ProfileRecord, status: number, keys: readonly KeyRecord[], { name, error, notice = null }: Entered): Promise<FastifyReply> {
  const { context, visitor, language, base, reply } = visit
  const now = context.now()
  const live = keys.filter(isLive)
  const room = toRoom(profile, live.length)
  const refusal = refuse(profile, room, language)
  const form = refusal === null ? toFormView({ action: base, profile, entered: { name }, errors: { name: error ?? null } }) : null
  return await sendPage(context, reply, {
    status,
    view: 'list',
    title: error === undefined ? language.say('list.title') : language.say('page.error', { title: language.say('list.title') }),
    visitor,
    notice,
    data: {
      keys: live.map((key) => toKeyView(key, base, now, language)),
      revoked: keys.filter((key) => !isLive(key)).map((key) => toKeyView(key, base, now, language)),
      room,
      form,
      refusal
    }
  })
}

/** Answers when a key was refused for a reason that its owner can understand. */
async function explain (visit: Visit, profile: ProfileRecord, error: unknown, name: string): Promise<FastifyReply> {
  const { context, visitor, language: { say }, base, reply } = visit
  const code = codeOf(error)
  if (code === 'FST_API_KEY_NONCE_USED') {
    return await sendMessage(context, reply, 409, {
      heading: say('message.sentTwice'),
      text: say('message.sentTwiceText'),
      link: { href: base, text: say('page.backToKeys') }
    }, visitor)
  }
  if (code !== 'FST_API_KEY_LIMIT_REACHED' && code !== 'FST_API_KEY_MAKING_FORBIDDEN') throw error
  const notice: Notice = { kind: 'error', text: say('form.notMade') }
  return await sendList(visit, profile, code === 'FST_API_KEY_LIMIT_REACHED' ? 409 : 403, await context.service.list(visitor.owner), { name, notice })
}

function toRoom ({ maxKeys }: ProfileRecord, live: number): RoomView {
  return maxKeys === -1 ? { live, limit: null, left: null } : { live, limit: maxKeys, left: Math.max(0, maxKeys - live) }
}

/** Why there is no form; null when there is one. */
function refuse ({ canMakeKeys }: ProfileRecord, { live, left, limit }: RoomView, { say }: Language): string | null {
  if (!canMakeKeys) return say('room.forbidden')
  if (limit === null || left !== 0) return null
  if (limit === 0) return say('room.none')
  // A limit that was lowered can be below what is held.
  return live > limit ? say('room.over', { live, limit, count: live - limit + 1 }) : say('room.full', { count: limit })
}

/** Tells that a key was revoked, provided that it is the visitor's and that it was. */
function revokedNotice (keys: readonly KeyRecord[], id: string | undefined, { say }: Language): Notice | null {
  const key = keys.find((key) => key.id === id && key.state === 'revoked')
  return key === undefined ? null : { kind: 'success', text: say('list.wasRevoked', { name: key.name || say('key.unnamed') }) }
}

function standing ({ canUseApi }: ProfileRecord, { say }: Language): Notice | null {
  return canUseApi ? null : { kind: 'warning', text: say('list.notAccepted') }
}
