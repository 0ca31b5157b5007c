import type { FastifyReply } from 'fastify'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import { sendCreated } from '../created.js'
import { readEntered, type Entered } from '../entered.js'
import { codeOf } from '../failure.js'
import { readField } from '../form.js'
import { rulesOf, statusOfRefusal, toFieldErrors, toKeyFields } from '../key-form.js'
import { whyForbidden } from '../owned-key.js'
import { redirect, sendMessage } from '../page.js'
import type { Visit } from '../visit.js'
import { toUserHome, toUserUrl } from './urls.js'
import { sendUser } from './user.js'

/** `POST /admin/keys?user=`: makes a key for a user who has a profile, and shows it, this once. */
export async function createKeyFor (visit: Visit, userId: string): Promise<FastifyReply> {
  const { context, visitor, language, request: { body } } = visit
  const entered = readEntered(body)
  const nonce = readField(body, 'nonce')
  const profile = await context.service.profiles.get(userId)
  if (profile === null) return await sendUser(visit, userId, null)
  const answer = toKeyFields(rulesOf(context, profile), entered, language)
  if ('errors' in answer) return await sendUser(visit, userId, profile, { status: 400, key: { entered, errors: answer.errors } })
  try {
    const { key: secret, ...key } = await context.service.create(userId, { ...answer.fields, ...(nonce !== undefined && { nonce }) }, visitor.by)
    return await sendCreated(visit, key, secret, whyForbidden(visit, userId, profile))
  } catch (error) {
    return await explain(visit, profile, error, entered)
  }
}

/** `GET /admin/keys?user=`: where a browser comes that asks for the address of a new key again. */
export async function backToUser (visit: Visit, userId: string): Promise<FastifyReply> {
  return redirect(visit.reply, toUserUrl(visit, userId))
}

/** Answers when a key was refused for a reason that can be understood. */
async function explain (visit: Visit, profile: ProfileRecord, error: unknown, entered: Entered): Promise<FastifyReply> {
  const { language } = visit
  const code = codeOf(error)
  if (code === 'FST_API_KEY_NONCE_USED') return await explainTwice(visit, profile.userId)
  const errors = toFieldErrors(error, language)
  if (errors !== null) return await sendUser(visit, profile.userId, profile, { status: 400, key: { entered, errors } })
  const status = statusOfRefusal(code)
  if (status === undefined) throw error
  return await sendUser(visit, profile.userId, profile, { status, key: { entered, errors: {} }, notice: { kind: 'error', text: language.say('form.notMade') } })
}

async function explainTwice (visit: Visit, userId: string): Promise<FastifyReply> {
  const { context, visitor, language: { say }, reply } = visit
  const home = toUserHome(visit, userId)
  return await sendMessage(context, reply, 409, {
    heading: say('message.sentTwice'),
    text: say('message.sentTwiceText'),
    link: { href: home.href, text: say('admin.backToUser') }
  }, visitor, { home, owner: userId })
}
