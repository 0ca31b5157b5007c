import type { HistoryEntry } from '../../keys/history.js'
import type { User } from '../../keys/records.js'
import type { ChangeView, HistoryEntryView } from './data/history.js'
import type { Language } from './language.js'
import type { TextName } from './text.js'

type Tell = (value: unknown, language: Language, now: number) => string

const asText: Tell = (value, { say }) => value === null || value === '' ? say('history.nothing') : String(value)
const asList: Tell = (value, { say }) => Array.isArray(value) && value.length > 0 ? value.join(', ') : say('history.nothing')
const asSwitch: Tell = (value, { say }) => say(value === null ? 'history.default' : value === false ? 'history.no' : 'history.yes')
const asLimit = (write: 'count' | 'duration', none: number, noneText: TextName = 'history.none'): Tell => (value, language) => {
  if (typeof value !== 'number') return language.say('history.default')
  return value === none ? language.say(noneText) : language[write](value)
}
const asCount = asLimit('count', 0)
const asRate: Tell = (value, language, now) => {
  const { max, span } = value as Pair
  return isSilent(max) ? asCount(max, language, now) : language.say('limits.rateText', { count: Number(max), window: language.duration(Number(span)) })
}
const asQuota: Tell = (value, language, now) => {
  const { max, span } = value as Pair
  if (isSilent(max)) return asCount(max, language, now)
  if (typeof span !== 'number') return language.say('admin.quotaTotal', { count: Number(max) })
  return language.say('admin.quotaEvery', { count: Number(max), window: language.duration(span) })
}
const asTime: Tell = (value, language, now) => typeof value === 'number' ? language.due(new Date(value), now).exact : language.say('time.never')

/** How what changed is told, by the name under which it is stored. Of others nothing is told: metadata are the application's. */
const FIELDS: Readonly<Record<string, readonly [TextName, Tell]>> = {
  name: ['key.name', asText],
  enabled: ['history.enabled', asSwitch],
  scopes: ['key.scopes', (value, language, now) => value === null ? language.say('history.default') : asList(value, language, now)],
  expiresAt: ['key.expires', asTime],
  allowedIps: ['key.addresses', (value, language, now) => value === null ? language.say('key.anywhere') : asList(value, language, now)],
  previousUntil: ['history.previousUntil', asTime],
  revokedReason: ['history.reason', asText],
  rateLimit: ['history.rateMax', asRate],
  rateMax: ['history.rateMax', asCount],
  rateWindow: ['history.rateWindow', asLimit('duration', 0)],
  quota: ['history.quotaMax', asQuota],
  quotaMax: ['history.quotaMax', asCount],
  quotaEvery: ['history.quotaEvery', (value, { say, duration }) => typeof value === 'number' ? duration(value) : say('history.total')],
  group: ['history.group', asText],
  maxKeys: ['history.maxKeys', asLimit('count', -1)],
  expiryDefault: ['history.expiryDefault', asLimit('duration', 0, 'admin.never')],
  expiryMax: ['history.expiryMax', asLimit('duration', 0, 'admin.never')],
  canUseApi: ['history.canUseApi', asSwitch],
  canMakeKeys: ['history.canMakeKeys', asSwitch]
}

const ACTIONS: Readonly<Record<string, TextName>> = {
  apiKeyCreated: 'history.apiKeyCreated',
  apiKeyUpdated: 'history.apiKeyUpdated',
  apiKeyRotated: 'history.apiKeyRotated',
  apiKeyRevoked: 'history.apiKeyRevoked',
  apiUserCreated: 'history.apiUserCreated',
  apiUserUpdated: 'history.apiUserUpdated',
  apiUserDeleted: 'history.apiUserDeleted'
}

/**
 * Makes what `history.html` shows of entries.
 *
 * @param visitor who looks. Their own changes are told as such; where other people were, only an administrator sees
 * @param now milliseconds since the epoch
 */
export function toHistoryView (entries: readonly HistoryEntry[], visitor: User, now: number, language: Language): HistoryEntryView[] {
  return entries.map(({ at, actor, ip, action, changes, keyId, userId }) => ({
    at: language.past(at, now),
    action: language.say(ACTIONS[action] ?? 'history.apiKeyUpdated'),
    by: actor === null ? null : actor === visitor.id ? language.say('history.you') : actor,
    ip: visitor.admin === true || actor === visitor.id || actor === userId ? ip : null,
    keyId,
    changes: joinPairs(changes ?? {}).flatMap(([name, change]) => toChangeView(name, change, action.endsWith('Updated'), now, language))
  }))
}

/** What two fields hold of a limit: how many, and how long. */
interface Pair {
  readonly max: unknown
  readonly span: unknown
}

const PAIRS = [
  { name: 'rateLimit', max: 'rateMax', span: 'rateWindow' },
  { name: 'quota', max: 'quotaMax', span: 'quotaEvery' }
] as const

/** Tells a limit as one where both of its fields are known: of what changed alone, the other is not among the changes. */
function joinPairs (changes: Readonly<Record<string, unknown>>): [name: string, change: unknown][] {
  const joined = PAIRS.flatMap(({ name, max, span }) => {
    const [count, length] = [changes[max], changes[span]]
    // Beside no quota there is no period, and so what does not change has none.
    const lengths: readonly unknown[] | null = Array.isArray(length) ? length : name === 'quota' && Array.isArray(count) && count.some(isSilent) ? [null, null] : null
    return Array.isArray(count) && lengths !== null ? [{ name, max, span, change: count.map((max: unknown, i): Pair => ({ max, span: lengths[i] })) }] : []
  })
  return Object.entries(changes).flatMap(([name, change]): [string, unknown][] => {
    const pair = joined.find(({ max, span }) => name === max || name === span)
    if (pair === undefined) return [[name, change]]
    return name === pair.max ? [[pair.name, pair.change]] : []
  })
}

/** Whether of a limit nothing is said, or that there is none. */
function isSilent (max: unknown): boolean {
  return max === null || max === 0
}

function toChangeView (name: string, change: unknown, isUpdate: boolean, now: number, language: Language): ChangeView[] {
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
  if (field === undefined || !Array.isArray(change)) return []
  const [text, tell] = field
  const [before, after]: readonly unknown[] = change
  // What is made, rotated or revoked gets what it had nothing of before.
  const times = tell === asTime ? [before, after].flatMap((time) => typeof time === 'number' ? { iso: new Date(time).toISOString(), text: tell(time, language, now) } : []) : []
  return [{ name: language.say(text), before: isUpdate ? tell(before, language, now) : null, after: tell(after, language, now), times }]
}
