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
  return {
    id: key.id,
    name: key.name || 'Unnamed key',
    start: key.start,
    state: key.state,
    created: at(key.createdAt),
    lastUsed: key.lastUsedAt === null ? null : at(key.lastUsedAt),
    loggedIp: key.loggedIp,
    revoked: key.revokedAt === null ? null : at(key.revokedAt),
    revokeUrl: `${base}/${encodeURIComponent(key.id)}/revoke`
  }
}
