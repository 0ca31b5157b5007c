import type { FastifyReply } from 'fastify'
import type { KeyRecord } from '../../keys/records.js'
import { codeOf } from './failure.js'
import { sendMessage } from './page.js'
import { surroundings } from './owned-key.js'
import type { TextName } from './text.js'
import { keyUrl } from './urls.js'
import type { Visit } from './visit.js'

/** The texts for what became of a key, or of what is allowed, while a form for it was open. */
const TEXTS = new Map<string, [TextName, TextName]>([
  ['FST_API_KEY_NOT_LIVE', ['message.ended', 'message.endedText']],
  ['FST_API_KEY_EXPIRY_TOO_LATE', ['message.tooOld', 'message.tooOldText']],
  ['FST_API_KEY_UNKNOWN_GROUP', ['message.notNow', 'message.notNowText']],
  ['FST_API_KEY_ALREADY_ROTATED', ['message.rotated', 'message.rotatedText']]
])

/**
 * Answers when the service refuses a change for a reason that the owner can understand.
 *
 * @throws the error when it is another
 */
export async function tellConflict (visit: Visit, key: KeyRecord, error: unknown): Promise<FastifyReply> {
  const texts = TEXTS.get(codeOf(error))
  if (texts === undefined) throw error
  return await sendConflict(visit, key, texts)
}

/** Says that a key has ended, so that nothing of it can be changed any more. */
export async function tellEnded (visit: Visit, key: KeyRecord): Promise<FastifyReply> {
  return await sendConflict(visit, key, ['message.ended', 'message.endedText'])
}

async function sendConflict (visit: Visit, key: KeyRecord, [heading, text]: [TextName, TextName]): Promise<FastifyReply> {
  const { context, visitor, language: { say }, base, reply } = visit
  return await sendMessage(context, reply, 409, {
    heading: say(heading),
    text: say(text),
    link: { href: keyUrl(base, key.id), text: say('page.backToKey') }
  }, visitor, surroundings(visit, key))
}

/** Whether a key can still be changed. */
export function isLive ({ state }: KeyRecord): boolean {
  return state === 'active' || state === 'disabled'
}
