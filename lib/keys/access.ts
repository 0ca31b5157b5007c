import { ApiForbiddenError, RevokedKeyError } from '../errors.js'
import type { AccessRow } from '../store/store.js'
import type { ApiUser } from './records.js'

/**
 * A key that was found, as it is kept for requests: what can refuse it, and its last use. One flat object, since with many
 * keys in use every object that a request touches is a wait for memory.
 */
export class Access {
  readonly user: ApiUser
  /** The generation under which the row was read. */
  readonly generation: number
  /** How many changes had been told of when the row was read. */
  readonly drops: number
  readonly #revokedAt: number | null
  readonly #canUseApi: boolean | null
  /** The time of the last use. */
  usedAt: number
  /** The address of the current login; null before the first one and after a logout. */
  loggedIp: string | null
  /** Whether the last use still waits to be written. */
  isWaiting = false

  constructor (row: AccessRow, generation: number, drops = 0) {
    const { id, profileId, userId, name } = row
    this.user = Object.freeze({ id: userId, profileId, keyId: id, keyName: name, scopes: NO_SCOPES })
    this.generation = generation
    this.drops = drops
    this.#revokedAt = row.revokedAt
    this.#canUseApi = row.canUseApi
    this.usedAt = row.lastUsedAt ?? 0
    this.loggedIp = row.loggedIp
  }

  /**
   * Every check that can change with time or by a change of the key or its profile; made on each request.
   *
   * @throws FST_API_KEY_REVOKED, FST_API_KEY_API_FORBIDDEN
   */
  judge (): void {
    if (this.#revokedAt !== null) throw new RevokedKeyError()
    if (this.#canUseApi === false) throw new ApiForbiddenError()
  }
}

const NO_SCOPES: readonly string[] = Object.freeze([])
