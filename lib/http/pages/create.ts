import type { FastifyReply } from 'fastify'
import { sendCreated } from './created.js'
import { readEntered, type Entered } from './entered.js'
import { codeOf } from './failure.js'
import { readField } from './form.js'
import { rulesOf, statusOfRefusal, toFieldErrors, toKeyFields } from './key-form.js'
import { sendList } from './list.js'
import { whyForbidden } from './owned-key.js'
import { sendMessage } from './page.js'
import { ownProfile } from './signed-in.js'
import type { Visit } from './visit.js'

/** `POST /`: makes a key and shows it, this once. */
export async function createKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language, request } = visit
  const entered = readEntered(request.body)
  const nonce = readField(request.body, 'nonce')
  const profile = await ownProfile(visit)
  const answer = toKeyFields(rulesOf(context, profile), entered, language)
  if ('errors' in answer) return await sendList(visit, { status: 400, entered, errors: answer.errors })
  try {
    const { key: secret, ...key } = await context.service.create(visitor.owner, { ...answer.fields, ...(nonce !== undefined && { nonce }) }, visitor.by)
    return await sendCreated(visit, key, secret, whyForbidden(visit, visitor.owner, profile))
  } catch (error) {
    return await explain(visit, error, entered)
  }
}

/** Answers when a key was refused for a reason that its owner can understand. */
async function explain (visit: Visit, error: unknown, entered: Entered): Promise<FastifyReply> {
  const { context, visitor, language, base, reply } = visit
  const { say } = language
  const code = codeOf(error)
  if (code === 'FST_API_KEY_NONCE_USED') {
    return await sendMessage(context, reply, 409, {
      heading: say('message.sentTwice'),
      text: say('message.sentTwiceText'),
      link: { href: base, text: say('page.backToKeys') }
    }, visitor)
  }
  const errors = toFieldErrors(error, language)
  if (errors !== null) return await sendList(visit, { status: 400, entered, errors })
  const status = statusOfRefusal(code)
  if (status === undefined) throw error
  return await sendList(visit, { status, entered, notice: { kind: 'error', text: say('form.notMade') } })
}
