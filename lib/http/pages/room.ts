import type { ProfileRecord } from '../../keys/profile-records.js'
import type { RoomView } from './data/list.js'
import type { Language } from './language.js'

/** How many keys a profile holds and may hold. */
export function toRoom ({ maxKeys }: ProfileRecord, live: number): RoomView {
  return maxKeys === -1 ? { live, limit: null, left: null } : { live, limit: maxKeys, left: Math.max(0, maxKeys - live) }
}

/** Why no key can be made; null when one can. */
export function refuseKey ({ canMakeKeys }: ProfileRecord, { live, left, limit }: RoomView, { say }: Language): string | null {
  if (!canMakeKeys) return say('room.forbidden')
  if (limit === null || left !== 0) return null
  if (limit === 0) return say('room.none')
  // A limit that was lowered can be below what is held.
  return live > limit ? say('room.over', { live, limit, count: live - limit + 1 }) : say('room.full', { count: limit })
}
