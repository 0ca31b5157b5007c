import { findRate, saysRate, type RateLimit } from '../limits.js'
import type { Admission } from './admission.js'
import { checkKeyId } from './arguments.js'
import type { Context } from './context.js'
import { unknownKey } from './lifecycle.js'
import { resolveTerms } from './terms.js'

/** The rate limit of a key, and how much of it is left. */
export interface RateRecord extends RateLimit {
  /** Requests left in the present window; null when that cannot be told without counting one, or not at the moment. */
  readonly remaining: number | null
  /** When the present window is over, to the second; null when no request has begun one, or when that cannot be told. */
  readonly resetsAt: Date | null
}

/** Reads the rate limit that holds for a key, wherever that is said, and how much of it is left; null for no limit. */
export async function readRate (context: Context, admission: Pick<Admission, 'peekRate'>, keyId: string): Promise<RateRecord | null> {
  checkKeyId(keyId)
  const limit = await findLimit(context, keyId)
  if (limit === null) return null
  const state = await admission.peekRate(keyId, limit)
  const unknown = { ...limit, remaining: null, resetsAt: null }
  if (state === null) return unknown
  const end = new Date(context.settings.now() + state.reset * 1000)
  // What an application's store says may be no count, or no time.
  if (state.remaining > limit.max || Number.isNaN(end.getTime())) return unknown
  return { ...limit, remaining: state.remaining, resetsAt: state.reset > 0 ? end : null }
}

/** The key's own limit wins over what holds for its profile. */
async function findLimit ({ store, settings }: Context, keyId: string): Promise<RateLimit | null> {
  const row = await store.getKey(keyId)
  if (row === null) throw unknownKey(keyId)
  if (saysRate(row)) return findRate([row])
  const profile = await store.getProfile(row.userId)
  // That of a deleted profile allows nothing any more, and its keys are revoked.
  return profile === null ? null : resolveTerms(profile, settings).rate
}
