import type { FastifyReply } from 'fastify'
import { NotFoundError } from '../../errors.js'
import type { KeyChanges } from '../../keys/granting.js'
import type { KeyRecord } from '../../keys/records.js'
import { isLive, tellConflict, tellEnded } from './conflict.js'
import type { Notice } from './data.js'
import { readEntered, type Entered, type FieldErrors } from './entered.js'
import { codeOf } from './failure.js'
import { readField } from './form.js'
import { readKept } from './kept.js'
import { rulesFor, strayError, toFieldErrors, toFieldsView, toKeyFields, type FieldRules, type KeyFields } from './key-form.js'
import { toKeyView } from './key-view.js'
import { findKey, surroundings } from './owned-key.js'
import { redirect, sendPage } from './page.js'
import { keyUrl, withQuery } from './urls.js'
import type { Visit } from './visit.js'

/** `GET /:id/edit`: the form for changing a key. */
export async function showEdit (visit: Visit): Promise<FastifyReply> {
  const key = await findKey(visit)
  if (!isLive(key)) return await tellEnded(visit, key)
  const kept = readKept(visit.request.query, enteredOf(key))
  const notice = kept === null ? null : { kind: 'warning', text: visit.language.say('edit.filledIn') } as const
  return await sendEdit(visit, key, await findRules(visit, key), { status: 200, entered: kept ?? enteredOf(key), notice })
}

/** `POST /:id/edit`: changes a key, or with `action=Cancel` goes back. */
export async function editKey (visit: Visit): Promise<FastifyReply> {
  const { context, visitor, language, base, request, reply } = visit
  const entered = readEntered(request.body)
  const action = readField(request.body, 'action')
  const key = await findKey(visit)
  const url = keyUrl(base, key.id)
  if (action?.toLowerCase() === 'cancel') return redirect(reply, url)
  if (!isLive(key)) return await tellEnded(visit, key)
  const rules = await findRules(visit, key)
  const answer = toKeyFields(rules, entered, language)
  if ('errors' in answer) return await sendEdit(visit, key, rules, { status: 400, entered, errors: answer.errors })
  try {
    await context.service.update(key.id, toChanges(answer.fields, key, rules), visitor.by)
  } catch (error) {
    return await explain(visit, key, rules, entered, error)
  }
  return redirect(reply, withQuery(url, { done: 'changed' }))
}

async function findRules ({ context }: Visit, key: KeyRecord): Promise<FieldRules> {
  const profile = await context.service.profiles.get(key.userId)
  // Deleted at this moment, and the key with it.
  if (profile === null) throw new NotFoundError('profile', key.userId)
  return rulesFor(context, profile, key)
}

/** What the key is, as if it had been entered. */
function enteredOf ({ name, scopes, allowedIps }: KeyRecord): Entered {
  return { name, expiry: 'keep', date: '', scopes, addresses: (allowedIps ?? []).join('\n') }
}

/** Leaves scopes alone that were not touched: the form does not show those that are no longer allowed, and saving would take them away. */
function toChanges ({ scopes, ...fields }: KeyFields, key: KeyRecord, rules: FieldRules): KeyChanges {
  const shown = key.scopes.filter((scope) => rules.scopes?.has(scope))
  const isSame = shown.length === scopes.length && shown.every((scope) => scopes.some((other) => other === scope))
  return isSame ? fields : { ...fields, scopes }
}

/** What the form is shown for. */
interface Showing {
  readonly status: number
  readonly entered: Entered
  readonly errors?: FieldErrors
  readonly notice?: Notice | null
}

async function sendEdit (visit: Visit, key: KeyRecord, rules: FieldRules, { status, entered, errors = {}, notice = null }: Showing): Promise<FastifyReply> {
  const { context, visitor, language, base, reply } = visit
  const title = language.say('edit.title')
  return await sendPage(context, reply, {
    status,
    view: 'edit',
    title: status === 200 ? title : language.say('page.error', { title }),
    visitor,
    ...surroundings(visit, key),
    notice: notice ?? strayError(rules, errors),
    data: { key: toKeyView(key, base, context.now(), language), fields: toFieldsView(rules, entered, errors, language) }
  })
}

/** Answers when the service refused a change for a reason that the owner can understand. */
async function explain (visit: Visit, key: KeyRecord, rules: FieldRules, entered: Entered, error: unknown): Promise<FastifyReply> {
  const errors = toFieldErrors(error, visit.language)
  if (errors !== null) return await sendEdit(visit, key, rules, { status: 400, entered, errors })
  if (codeOf(error) !== 'FST_API_KEY_UNKNOWN_GROUP') return await tellConflict(visit, key, error)
  return await sendEdit(visit, key, rules, { status: 403, entered, notice: { kind: 'error', text: visit.language.say('edit.notNow') } })
}
