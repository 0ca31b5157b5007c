import type { KeyRecord } from '../../keys/records.js'
import type { KeyView } from './data.js'
import type { Language } from './language.js'

/**
 * Makes what the templates show of a key.
 *
 * @param base the path of the list
 * @param now milliseconds since the epoch
 */
export function toKeyView (key: KeyRecord, base: string, now: number, language: Language): KeyView {
  const at = (time: Date) => language.past(time, now)
  const orNull = (time: Date | null) => time === null ? null : at(time)
  return {
    id: key.id,
    name: key.name || language.say('key.unnamed'),
    start: key.start,
    state: key.state,
    created: at(key.createdAt),
    lastUsed: orNull(key.lastUsedAt),
    loggedIp: key.loggedIp,
    expires: key.expiresAt === null ? null : language.due(key.expiresAt, now),
    revoked: orNull(key.revokedAt),
    ended: orNull(key.revokedAt ?? (key.state === 'expired' ? key.expiresAt : null)),
    revokeUrl: `${base}/${encodeURIComponent(key.id)}/revoke`
  }
}
