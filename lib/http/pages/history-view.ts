import type { HistoryEntry } from '../../keys/history.js'
import type { User } from '../../keys/records.js'
import type { ChangeView, HistoryEntryView } from './data.js'
import type { Language } from './language.js'
import type { TextName } from './text.js'

type Tell = (value: unknown, language: Language, now: number) => string

const asText: Tell = (value, { say }) => value === null || value === '' ? say('history.nothing') : String(value)
const asList: Tell = (value, { say }) => Array.isArray(value) && value.length > 0 ? value.join(', ') : say('history.nothing')
const asSwitch: Tell = (value, { say }) => say(value === false ? 'history.no' : 'history.yes')
const asLimit = (write: 'count' | 'duration', none: number): Tell => (value, language) => {
  if (typeof value !== 'number') return language.say('history.default')
  return value === none ? language.say('history.none') : language[write](value)
}
const asTime: Tell = (value, language, now) => typeof value === 'number' ? language.due(new Date(value), now).exact : language.say('time.never')

/** How what changed is told, by the name under which it is stored. Of others nothing is told: notes are the application's. */
const FIELDS: Readonly<Record<string, readonly [TextName, Tell]>> = {
  name: ['key.name', asText],
  enabled: ['history.enabled', asSwitch],
  scopes: ['key.scopes', (value, language, now) => value === null ? language.say('history.default') : asList(value, language, now)],
  expiresAt: ['key.expires', asTime],
  allowedIps: ['key.addresses', (value, language, now) => value === null ? language.say('key.anywhere') : asList(value, language, now)],
  previousUntil: ['history.previousUntil', asTime],
  revokedReason: ['history.reason', asText],
  rateMax: ['history.rateMax', asLimit('count', 0)],
  rateWindow: ['history.rateWindow', asLimit('duration', 0)],
  quotaMax: ['history.quotaMax', asLimit('count', 0)],
  quotaEvery: ['history.quotaEvery', (value, { say, duration }) => typeof value === 'number' ? duration(value) : say('history.total')],
  group: ['history.group', asText],
  maxKeys: ['history.maxKeys', asLimit('count', -1)],
  expiryDefault: ['history.expiryDefault', asLimit('duration', 0)],
  expiryMax: ['history.expiryMax', asLimit('duration', 0)],
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
 * @param viewer who looks. Their own changes are told as such; where other people were, only an administrator sees
 * @param now milliseconds since the epoch
 */
export function toHistoryView (entries: readonly HistoryEntry[], viewer: User, now: number, language: Language): HistoryEntryView[] {
  return entries.map(({ at, actor, ip, action, changes, keyId, userId }) => ({
    at: language.past(at, now),
    action: language.say(ACTIONS[action] ?? 'history.apiKeyUpdated'),
    by: actor === null ? null : actor === viewer.id ? language.say('history.you') : actor,
    ip: viewer.admin === true || actor === viewer.id || actor === userId ? ip : null,
    keyId,
    changes: Object.entries(changes ?? {}).flatMap(([name, change]) => toChangeView(name, change, action.endsWith('Updated'), now, language))
  }))
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
