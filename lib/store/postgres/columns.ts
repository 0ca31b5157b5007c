import type { Tables } from './database.js'

/** The columns of a `ProfileRow`. */
export function profileColumns ({ profiles }: Tables) {
  return {
    id: profiles.id,
    userId: profiles.userId,
    maxKeys: profiles.maxKeys,
    canUseApi: profiles.canUseApi,
    canMakeKeys: profiles.canMakeKeys,
    lastAccessAt: profiles.lastAccessAt,
    createdAt: profiles.createdAt
  }
}

/** The columns of a `KeyRow` that are in the table of keys; its `userId` is the profile's. */
export function keyColumns ({ keys }: Tables) {
  return {
    id: keys.id,
    profileId: keys.profileId,
    name: keys.name,
    start: keys.start,
    createdAt: keys.createdAt,
    lastUsedAt: keys.lastUsedAt,
    loggedIp: keys.loggedIp,
    revokedAt: keys.revokedAt
  }
}
