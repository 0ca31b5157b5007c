import type { KeyRow, ProfileRow } from '../store/store.js'

/** A person of the application, as its session knows them. */
export interface User {
  /** The application's own user id. */
  id: string
  /** Shown on the pages; the id when absent. */
  name?: string
  /** Whether this person may manage everybody's keys. */
  admin?: boolean
  /** Whose keys the pages show when they are not the person's own, for instance an organisation's id. */
  owner?: string
}

/** The owner of the key that made a request. Frozen, its scopes too. */
export interface ApiUser {
  /** The application's own user id. */
  readonly id: string
  readonly profileId: number
  readonly keyId: string
  readonly keyName: string
  readonly scopes: readonly string[]
}

/** `active` keys are accepted, `revoked` ones never again. */
export type KeyState = 'active' | 'revoked'

/** What is known of a key. The secret is not part of it; nothing can bring it back. */
export interface KeyRecord {
  readonly id: string
  /** The application's own id of the user who holds the key. */
  readonly userId: string
  readonly profileId: number
  readonly name: string
  /** The secret's first characters, such as `ak_3mP0`, to tell keys apart. */
  readonly start: string
  readonly state: KeyState
  readonly createdAt: Date
  /** When the key was last accepted; written in batches, up to a second late. */
  readonly lastUsedAt: Date | null
  /** The address of the current login; null before the first one and after a logout. */
  readonly loggedIp: string | null
  readonly revokedAt: Date | null
}

/** A key just made: its record, and the only time its secret is seen. */
export interface NewKey extends KeyRecord {
  /** The secret in full. Show it once; it is stored nowhere. */
  readonly key: string
}

/** A user's standing with the API. */
export interface ProfileRecord {
  readonly id: number
  /** The application's own user id. */
  readonly userId: string
  /** Live keys the profile may hold, -1 for unlimited: its own number or else the plugin's. */
  readonly maxKeys: number
  /** Whether the profile's keys are accepted. */
  readonly canUseApi: boolean
  /** Whether keys may be made for the profile. */
  readonly canMakeKeys: boolean
  /** When one of its keys was last accepted; written in batches, up to a second late. */
  readonly lastAccessAt: Date | null
  readonly createdAt: Date
}

/** Makes the record that the application sees of a stored key. */
export function toKeyRecord (row: KeyRow): KeyRecord {
  return {
    id: row.id,
    userId: row.userId,
    profileId: row.profileId,
    name: row.name,
    start: row.start,
    state: stateOf(row),
    createdAt: new Date(row.createdAt),
    lastUsedAt: toDate(row.lastUsedAt),
    loggedIp: row.loggedIp,
    revokedAt: toDate(row.revokedAt)
  }
}

/**
 * Makes the record that the application sees of a stored profile.
 *
 * @param maxKeys the plugin's limit, which holds when the profile has none of its own
 */
export function toProfileRecord (row: ProfileRow, maxKeys: number): ProfileRecord {
  return {
    id: row.id,
    userId: row.userId,
    maxKeys: row.maxKeys ?? maxKeys,
    canUseApi: row.canUseApi ?? true,
    canMakeKeys: row.canMakeKeys ?? true,
    lastAccessAt: toDate(row.lastAccessAt),
    createdAt: new Date(row.createdAt)
  }
}

/** The state of a key by itself; whether its profile may use the API is another question. */
export function stateOf (row: Pick<KeyRow, 'revokedAt'>): KeyState {
  return row.revokedAt === null ? 'active' : 'revoked'
}

function toDate (time: number | null): Date | null {
  return time === null ? null : new Date(time)
}
