import type { KeyRecord } from '../../keys/records.js'
import type { KeyView } from './data.js'
import { toTimeView } from './times.js'

/**
 * Makes what the templates show of a key.
 *
 * @param base the path of the list
 * @param now milliseconds since the epoch
 */
export function toKeyView (key: KeyRecord, base: string, now: number): KeyView {
  const at = (time: Date) => toTimeView(time, now)
  const orNull = (time: Date | null) => time === null ? null : at(time)
  return {
    id: key.id,
    name: key.name || 'Unnamed key',
    start: key.start,
    state: key.state,
    created: at(key.createdAt),
    lastUsed: orNull(key.lastUsedAt),
    loggedIp: key.loggedIp,
    expires: orNull(key.expiresAt),
    revoked: orNull(key.revokedAt),
    ended: orNull(key.revokedAt ?? (key.state === 'expired' ? key.expiresAt : null)),
    revokeUrl: `${base}/${encodeURIComponent(key.id)}/revoke`
  }
}
