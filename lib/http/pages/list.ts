import type { FastifyReply } from 'fastify'
import type { KeyRecord, ProfileRecord } from '../../keys/records.js'
import { toCurl } from './curl.js'
import type { FormView, Notice, RoomView } from './data.js'
import { codeOf } from './failure.js'
import { createNonce, findFault, readField, readHint } from './form.js'
import { toKeyView } from './key-view.js'
import { sendMessage, sendPage } from './page.js'
import type { Visit } from './signed-in.js'

/** `GET /`: the visitor's keys and the form for another. */
export async function showList (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, request } = visit
  const keys = await context.service.list(visitor.owner)
  return await sendList(visit, 200, keys, {
    name: readHint(request.query, 'name') ?? '',
    notice: revokedNotice(keys, readHint(request.query, 'revoked')) ?? standing(visit.profile)
  })
}

/** `POST /`: makes a key and shows it, this once. */
export async function createKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, base, request, reply } = visit
  const name = (readField(request.body, 'name') ?? '').trim()
  const nonce = readField(request.body, 'nonce')
  const error = findFault(name)
  if (error !== null) return await sendList(visit, 400, await context.service.list(visitor.owner), { name, error })
  try {
    const { key: secret, ...key } = await context.service.create(visitor.owner, nonce === undefined ? { name } : { name, nonce }, visitor.by)
    return await sendPage(context, reply, {
      status: 200,
      view: 'created',
      title: 'Your new API key',
      visitor,
      data: { key: toKeyView(key, base, context.now()), secret, curl: toCurl(request, context.header, secret, context.examplePath()) }
    })
  } catch (error) {
    return await explain(visit, error, name)
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

async function sendList (visit: Visit, status: number, keys: readonly KeyRecord[], { name, error, notice = null }: Entered): Promise<FastifyReply> {
  const { context, visitor, profile, base, reply } = visit
  const now = context.now()
  const live = keys.filter(isLive)
  const room = toRoom(profile, live.length)
  const refusal = refuse(profile, room)
  const form: FormView | null = refusal === null ? { name, error: error ?? null, nonce: createNonce() } : null
  return await sendPage(context, reply, {
    status,
    view: 'list',
    title: error === undefined ? 'API keys' : 'Error: API keys',
    visitor,
    notice,
    data: {
      keys: live.map((key) => toKeyView(key, base, now)),
      revoked: keys.filter((key) => !isLive(key)).map((key) => toKeyView(key, base, now)),
      room,
      form,
      refusal
    }
  })
}

/** Answers when a key was refused for a reason that its owner can understand. */
async function explain (visit: Visit, error: unknown, name: string): Promise<FastifyReply> {
  const { context, visitor, base, reply } = visit
  const code = codeOf(error)
  if (code === 'FST_API_KEY_NONCE_USED') {
    return await sendMessage(context, reply, 409, {
      heading: 'This key was already made',
      text: 'The form was sent twice, and made one key. Its secret was shown the first time and cannot be shown again. If you did not copy it, revoke that key and make another.',
      link: { href: base, text: 'Back to your keys' }
    }, visitor)
  }
  if (code !== 'FST_API_KEY_LIMIT_REACHED' && code !== 'FST_API_KEY_MAKING_FORBIDDEN') throw error
  const notice: Notice = { kind: 'error', text: 'No key was made.' }
  return await sendList(visit, code === 'FST_API_KEY_LIMIT_REACHED' ? 409 : 403, await context.service.list(visitor.owner), { name, notice })
}

function toRoom ({ maxKeys }: ProfileRecord, live: number): RoomView {
  return maxKeys === -1 ? { live, limit: null, left: null } : { live, limit: maxKeys, left: Math.max(0, maxKeys - live) }
}

/** Why there is no form; null when there is one. */
function refuse ({ canMakeKeys }: ProfileRecord, { live, left, limit }: RoomView): string | null {
  if (!canMakeKeys) return 'You may not make API keys. Ask the people who run this service if you need one.'
  if (limit === null || left !== 0) return null
  if (limit === 0) return 'You may hold no API keys. Ask the people who run this service if you need one.'
  return tellFull(live, limit)
}

/** A limit that was lowered can be below what is held. */
function tellFull (live: number, limit: number): string {
  if (live > limit) return `You hold ${live} API keys and may have ${limit}. Revoke ${live - limit + 1} to make another.`
  return limit === 1
    ? 'You hold the 1 API key that you may have. Revoke it to make another.'
    : `You hold all ${limit} API keys that you may have. Revoke one to make another.`
}

/** Tells that a key was revoked, provided that it is the visitor's and that it was. */
function revokedNotice (keys: readonly KeyRecord[], id: string | undefined): Notice | null {
  const key = keys.find((key) => key.id === id && key.state === 'revoked')
  return key === undefined ? null : { kind: 'success', text: `The key “${key.name || 'Unnamed key'}” was revoked. Requests with it are refused from now on.` }
}

function standing ({ canUseApi }: ProfileRecord): Notice | null {
  return canUseApi ? null : { kind: 'warning', text: 'Your API keys are not accepted at the moment. Ask the people who run this service why.' }
}
