import type { FastifyReply } from 'fastify'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import { isUserId } from '../../../keys/ids.js'
import type { Notice } from '../data.js'
import { NOTHING } from '../entered.js'
import { readField, readHint } from '../form.js'
import { readKept } from '../kept.js'
import { rulesOf, strayError } from '../key-form.js'
import { redirect, sendPage } from '../page.js'
import type { Visit } from '../visit.js'
import { sendDirectory } from './directory.js'
import { readKeptProfile } from './kept-profile.js'
import { findConflicts, toChanges, type ProfileErrors } from './profile-changes.js'
import { readEntered, toEntered, type EnteredProfile } from './profile-entered.js'
import { toProfileForm } from './profile-form.js'
import { homeOfAdmins, toRevokeAllUrl, toUserUrl } from './urls.js'
import { refuseKeys, toKeysView, toKeyForm, toStanding, toUserHistory, type EnteredKey } from './user-view.js'

/** What is to be shown besides the user as stored. */
interface Shown {
  readonly status?: number
  readonly notice?: Notice | null
  readonly profile?: { readonly entered: EnteredProfile, readonly errors: ProfileErrors }
  readonly key?: EnteredKey
}

/** Makes a handler of what is done about the user whom a query names. */
export function aboutUser (name: string, handle: (visit: Visit, userId: string) => Promise<FastifyReply>) {
  return async (visit: Visit): Promise<FastifyReply> => {
    const value = readField(visit.request.query, name) ?? ''
    if (isUserId(value)) return await handle(visit, value)
    const error = visit.language.say(value === '' ? 'admin.idMissing' : 'admin.idWrong')
    return await sendDirectory(visit, { open: { value, error } })
  }
}

/** `GET /admin/user?id=`: a user's profile, keys and history. */
export async function showUser (visit: Visit, userId: string): Promise<FastifyReply> {
  const profile = await visit.context.service.profiles.get(userId)
  const typed = userId.trim()
  // As pasted into the field; an id that has blanks around it is found as it is.
  if (profile === null && typed !== userId && typed !== '') return redirect(visit.reply, toUserUrl(visit, typed))
  const kept = profile === null ? {} : readWhatWasKept(visit, profile)
  const isFilledIn = Object.keys(kept).length > 0
  const notice = isFilledIn ? { kind: 'warning', text: visit.language.say('edit.filledIn') } as const : await noticeOf(visit, userId)
  return await sendUser(visit, userId, profile, { ...kept, notice })
}

/** What was entered into one of the two forms when the session had ended. */
function readWhatWasKept ({ context: { scopes }, request: { query } }: Visit, profile: ProfileRecord): Pick<Shown, 'profile' | 'key'> {
  const changed = readKeptProfile(query, toEntered(profile, scopes), scopes)
  const key = readKept(query, NOTHING)
  return { ...(changed !== null && { profile: { entered: changed, errors: {} } }), ...(key !== null && { key: { entered: key, errors: {} } }) }
}

/** `POST /admin/user?id=`: saves what was changed of the profile, or with `action=make` makes one. */
export async function saveUser (visit: Visit, userId: string): Promise<FastifyReply> {
  const { context: { service: { profiles }, internals, scopes }, visitor, language, request: { body }, reply } = visit
  if (readField(body, 'action') === 'make') {
    await profiles.create(userId, {}, visitor.by)
    return redirect(reply, toUserUrl(visit, userId, { done: 'made' }))
  }
  const profile = await profiles.get(userId)
  if (profile === null) return await sendUser(visit, userId, null)
  const present = toEntered(profile, scopes)
  const entered = readEntered(body, present, scopes)
  const { changes, errors } = toChanges(entered, profile, internals, language)
  if (Object.keys(errors).length > 0) return await sendUser(visit, userId, profile, { status: 400, profile: { entered, errors } })
  const conflict = findConflicts(entered, present, language)
  if (Object.keys(conflict.errors).length > 0) return await sendUser(visit, userId, profile, { status: 409, profile: conflict })
  if (Object.keys(changes).length === 0) return redirect(reply, toUserUrl(visit, userId, { done: 'nothing' }))
  await profiles.update(userId, changes, visitor.by)
  return redirect(reply, toUserUrl(visit, userId, { done: 'saved' }))
}

/** Sends the page about a user, who may have no profile. */
export async function sendUser (visit: Visit, userId: string, profile: ProfileRecord | null, shown: Shown = {}): Promise<FastifyReply> {
  const { context: { internals, scopes, now }, context, visitor, language, reply } = visit
  const keys = await toKeysView(visit, userId)
  const refusal = profile === null ? null : refuseKeys(profile, keys.live, internals.groups(), language)
  const title = language.say('admin.userTitle', { name: userId })
  return await sendPage(context, reply, {
    status: shown.status ?? (profile === null ? 404 : 200),
    view: 'admin-user',
    title: (shown.status ?? 200) === 200 ? title : language.say('page.error', { title }),
    visitor,
    home: { href: homeOfAdmins(visit), name: language.say('page.admin') },
    notice: shown.notice ?? stray(visit, profile, shown.key),
    data: {
      userId,
      profile: profile === null ? null : toProfileForm({ entered: toEntered(profile, scopes), errors: {}, ...shown.profile, profile, internals, declared: scopes }, language),
      standing: profile === null ? null : toStanding(profile, internals.groups(), now(), language),
      // What was entered is not lost when no key may be made just now.
      form: profile === null || (refusal !== null && shown.key === undefined) ? null : toKeyForm(visit, profile, shown.key),
      refusal,
      action: toUserUrl(visit, userId),
      revokeAllUrl: keys.live === 0 ? null : toRevokeAllUrl(visit, userId),
      keys,
      history: await toUserHistory(visit, userId)
    }
  })
}

/** What is wrong with a field of a key that the form does not have. */
function stray (visit: Visit, profile: ProfileRecord | null, key: EnteredKey | undefined): Notice | null {
  return profile === null || key === undefined ? null : strayError(rulesOf(visit.context, profile), key.errors)
}

/** Tells what was done before the page came up again, where that can be seen to be so. */
async function noticeOf (visit: Visit, userId: string): Promise<Notice | null> {
  const { context: { service }, language: { say }, request: { query } } = visit
  const done = readHint(query, 'done')
  if (done === 'saved') return { kind: 'success', text: say('admin.saved') }
  if (done === 'made') return { kind: 'success', text: say('admin.profileMade') }
  if (done === 'nothing') return { kind: 'warning', text: say('admin.nothingChanged') }
  if (done === 'revoked') return (await service.count(userId)).live > 0 ? null : { kind: 'success', text: say('admin.allRevoked') }
  const key = await service.get(readHint(query, 'revoked') ?? '')
  if (key === null || key.userId !== userId || key.state !== 'revoked') return null
  return { kind: 'success', text: say('list.wasRevoked', { name: key.name || say('key.unnamed') }) }
}
