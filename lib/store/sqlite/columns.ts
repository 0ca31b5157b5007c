import { keys, profiles, uses } from './schema.js'

/** The columns of a `ProfileRow`. */
export const profileColumns = {
  id: profiles.id,
  userId: profiles.userId,
  maxKeys: profiles.maxKeys,
  canUseApi: profiles.canUseApi,
  canMakeKeys: profiles.canMakeKeys,
  lastAccessAt: profiles.lastAccessAt,
  createdAt: profiles.createdAt
}

/** The columns of a `KeyRow`, from a key joined with its profile and, if it was used, its last use. */
export const keyColumns = {
  id: keys.id,
  profileId: keys.profileId,
  userId: profiles.userId,
  name: keys.name,
  start: keys.start,
  createdAt: keys.createdAt,
  lastUsedAt: uses.lastUsedAt,
  loggedIp: uses.loggedIp,
  revokedAt: keys.revokedAt
}
