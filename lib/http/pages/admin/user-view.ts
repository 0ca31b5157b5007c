import { usualLife } from '../../../keys/expiry.js'
import { isKeyId } from '../../../keys/ids.js'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import type { FormView } from '../data/form.js'
import { readEntered, type Entered, type FieldErrors } from '../entered.js'
import { readHint } from '../form.js'
import { toHistoryView } from '../history-view.js'
import { rulesOf, toFormView } from '../key-form.js'
import type { Language } from '../language.js'
import { toViews } from '../list.js'
import { keyUrl, withQuery } from '../urls.js'
import type { Visit } from '../visit.js'
import type { AdminUserView, StandingView, UserKeysView } from './data.js'
import { homeOfAdmins, toUserUrl } from './urls.js'

/** Keys and changes on a page. */
const SIZE = 15

/** What was entered into the form for a key, and what is wrong with it. */
export interface EnteredKey {
  readonly entered: Entered
  readonly errors: FieldErrors
}

/** What holds for the user's keys. */
export function toStanding (profile: ProfileRecord, groups: readonly string[], now: number, language: Language): StandingView {
  const { scopes, expiry, rateLimit, quota, lastAccessAt, createdAt } = profile
  const orNull = (milliseconds: number | null) => milliseconds === null ? null : language.duration(milliseconds)
  return {
    isGroupDeclared: isDeclared(profile, groups),
    scopes,
    expiryDefault: orNull(usualLife(expiry.default, expiry.max)),
    expiryMax: orNull(expiry.max),
    rateLimit: rateLimit === null ? null : { max: rateLimit.max, window: language.duration(rateLimit.timeWindow) },
    quota: quota === null ? null : { max: quota.max, window: orNull(quota.every) },
    lastAccess: lastAccessAt === null ? null : language.past(lastAccessAt, now),
    created: language.past(createdAt, now)
  }
}

const NOTHING: EnteredKey = { entered: readEntered({}), errors: {} }

/** Why no key can be made for a user; null when one can. */
export function refuseKeys (profile: ProfileRecord, live: number, groups: readonly string[], { say }: Language): string | null {
  const { canMakeKeys, maxKeys } = profile
  if (!isDeclared(profile, groups)) return say('admin.refusedGroup')
  if (!canMakeKeys) return say('admin.refusedMaking')
  return maxKeys === -1 || live < maxKeys ? null : say('admin.refusedFull', { count: maxKeys })
}

/** Whether a profile's group, if it has one, is there. */
function isDeclared ({ group }: ProfileRecord, groups: readonly string[]): boolean {
  return group === null || groups.includes(group)
}

/** The form for a key of the user. */
export function toKeyForm (visit: Visit, profile: ProfileRecord, { entered, errors }: EnteredKey = NOTHING): FormView {
  const action = withQuery(`${homeOfAdmins(visit)}/keys`, { user: profile.userId })
  return toFormView({ action, rules: rulesOf(visit.context, profile), entered, errors }, visit.language)
}

/** A page of the user's keys, as the query asks. */
export async function toKeysView (visit: Visit, userId: string): Promise<UserKeysView> {
  const { context: { service, now }, request: { query } } = visit
  const shown = readHint(query, 'keys') === 'ended' ? 'ended' : 'live'
  const asked = readHint(query, 'cursor') ?? ''
  // With anything else the list begins at its first page.
  const cursor = isKeyId(asked) ? asked : undefined
  const [{ live, dead }, page] = await Promise.all([
    service.count(userId),
    service.find(userId, { live: shown === 'live', limit: SIZE, ...(cursor !== undefined && { cursor }) })
  ])
  const part = shown === 'ended' ? { keys: 'ended' } : {}
  return {
    shown,
    live,
    ended: dead,
    liveUrl: toUserUrl(visit, userId),
    endedUrl: toUserUrl(visit, userId, { keys: 'ended' }),
    rows: await toViews(visit, page.keys, now()),
    paging: {
      first: cursor === undefined ? null : toUserUrl(visit, userId, part),
      next: page.cursor === null ? null : toUserUrl(visit, userId, { ...part, cursor: page.cursor })
    }
  }
}

/** A page of what was changed of the user's profile and keys. */
export async function toUserHistory (visit: Visit, userId: string): Promise<AdminUserView['history']> {
  const { context: { service, now }, visitor, language, base, request: { query } } = visit
  const before = Number(readHint(query, 'history') ?? 0)
  const page = await service.history({ userId, limit: SIZE, ...(Number.isSafeInteger(before) && before > 0 && { cursor: before }) })
  const ids = [...new Set(page.entries.flatMap(({ keyId }) => keyId ?? []))]
  const keys = await Promise.all(ids.map((id) => service.get(id)))
  const known = new Map(keys.flatMap((key) => key === null ? [] : [[key.id, { name: key.name || language.say('key.unnamed'), url: keyUrl(base, key.id) }]]))
  return {
    entries: toHistoryView(page.entries, visitor.user, now(), language).map((entry) => ({ ...entry, key: known.get(entry.keyId ?? '') ?? null })),
    older: page.cursor === null ? null : toUserUrl(visit, userId, { history: String(page.cursor) })
  }
}
