import type { KeyRecord } from '../../keys/records.js'
import { DAY } from '../../keys/tally.js'
import type { KeyView } from './data/key.js'
import type { TimeView } from './data/time.js'
import type { Language } from './language.js'
import { keyUrl } from './urls.js'

/**
 * How long before its end a key expires soon: long enough to put a new one everywhere, and of a short life no more than a
 * fifth, or keys of two weeks would expire soon from their first second. From 70 days on it is the two weeks.
 */
const SOON = 14 * DAY
const SOON_SHARE = 1 / 5

/**
 * Makes what the templates show of a key.
 *
 * @param base the path of the list
 * @param now milliseconds since the epoch
 */
export function toKeyView (key: KeyRecord, base: string, now: number, language: Language): KeyView {
  const at = (time: Date) => language.past(time, now)
  const orNull = (time: Date | null) => time === null ? null : at(time)
  const url = keyUrl(base, key.id)
  return {
    id: key.id,
    name: key.name || language.say('key.unnamed'),
    start: key.start,
    state: stateOf(key, now),
    scopes: key.scopes,
    created: at(key.createdAt),
    lastUsed: orNull(key.lastUsedAt),
    loggedIp: key.loggedIp,
    expires: key.expiresAt === null ? null : language.due(key.expiresAt, now),
    revoked: orNull(key.revokedAt),
    ended: orNull(key.revokedAt ?? (key.state === 'expired' ? key.expiresAt : null)),
    url,
    revokeUrl: `${url}/revoke`
  }
}

/**
 * Until when a key's secret from before its rotation works too; null when it does not, as of a key whose present secret does not
 * either.
 *
 * @param forbidden why no key of its owner is accepted; null when that is not so
 */
export function toPreviousUntil ({ state, previousUntil }: KeyRecord, forbidden: string | null, now: number, language: Language): TimeView | null {
  return state === 'active' && forbidden === null && previousUntil !== null && previousUntil.getTime() > now ? language.due(previousUntil, now) : null
}

function stateOf ({ state, createdAt, expiresAt }: KeyRecord, now: number): KeyView['state'] {
  if (state !== 'active' || expiresAt === null) return state
  const end = expiresAt.getTime()
  return end - now <= Math.min(SOON, (end - createdAt.getTime()) * SOON_SHARE) ? 'expiring' : state
}
