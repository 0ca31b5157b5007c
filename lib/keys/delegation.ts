import { BeyondOwnError } from '../errors.js'
import type { KeyFields, KeyRow, KeyTerms, ProfileRow, StoredKey } from '../store/rows.js'
import type { KeyGrants } from './granting.js'
import { findExcess, findGain, reachOf, reachOfProfile, type Excess, type Reach } from './reach.js'
import { resolveTerms, type TermSettings } from './terms.js'

/*
 * What people and programs may give to keys by the API: nobody hands out more than they hold. For a person that is what the
 * profile may have, for a program what its own key may. Pure, and asked while the key in question is locked.
 *
 * One order is all that it rests on: whether a key, by all that it may, is within another (`reach.ts`). A new key has to be within
 * what the asker holds. So has a key that a program makes more of than it was, in whatever respect; while less than it was it may
 * become freely. A person holds all of their keys, so what counts there is only what becomes more.
 */

/** Holds what somebody asks for to what they may give. Asked while the key is locked. */
export interface Bounds {
  /** What a new key is given, where it is not said; or why there can be none. */
  readonly create: (terms: KeyTerms, grants: KeyGrants, profile: ProfileRow) => KeyTerms | Error
  /** What to change of a key; or why it may not be changed so. */
  readonly change: (fields: KeyFields, key: StoredKey, profile: ProfileRow) => KeyFields | Error
  /** Why a key may be given no new secret, which whoever asks will hold; null when it may. */
  readonly rotate: (key: StoredKey, profile: ProfileRow) => Error | null
}

/**
 * The bounds of whoever asks.
 *
 * @param acting the asking key as stored, its expiry cut to that of the secret that asks; null for a person
 */
export function boundsOf (acting: KeyRow | null, settings: TermSettings): Bounds {
  const reach = (profile: ProfileRow) => {
    const terms = resolveTerms(profile, settings)
    return { terms, own: acting === null ? reachOfProfile(terms) : reachOf(acting, terms) }
  }
  return {
    create (asked, grants, profile) {
      const { terms, own } = reach(profile)
      const given = acting === null ? asked : { ...asked, ...inherit(asked, grants, acting) }
      return refuse(findExcess(reachOf(given, terms), own)) ?? given
    },
    change (fields, key, profile) {
      const { terms, own } = reach(profile)
      const before = reachOf(key, terms)
      const after = reachOf({ ...key, ...fields }, terms)
      return refuse(judge()) ?? keepCount(fields, own)

      function judge (): Excess | null {
        // Whatever the key is otherwise, it is the person's.
        if (acting === null) return findGain(after, before, own)
        const isEnabled = key.enabled === false && fields.enabled === true
        // By then it is no longer what it was when its request was let in.
        if (key.id === acting.id) return isEnabled ? { name: 'enabled', allowed: 'false', got: 'true' } : findExcess(after, before)
        return isEnabled || findExcess(after, before) !== null ? findExcess(after, own) : null
      }
    },
    rotate (key, profile) {
      const { terms, own } = reach(profile)
      return acting === null ? null : refuse(findExcess(reachOf(key, terms), own))
    }
  }
}

/** Keeps the count of uses when whoever asks has a quota; otherwise setting a quota and taking it back would reset the count. */
function keepCount (fields: KeyFields, own: Reach): KeyFields {
  const { quotaUsed: _used, quotaSince: _since, ...rest } = fields
  return own.quota.max === Infinity ? fields : rest
}

/** What a key gets from the one that makes it where nothing is said. */
function inherit (asked: KeyTerms, grants: KeyGrants, acting: KeyRow): Partial<KeyTerms> {
  const { rateMax, rateWindow, quotaMax, quotaEvery, allowedIps, expiresAt } = acting
  const isExpirySaid = grants.expiresAt !== undefined || grants.expiresIn !== undefined
  return {
    ...(!isExpirySaid && expiresAt !== null && { expiresAt: Math.min(expiresAt, asked.expiresAt ?? Infinity) }),
    ...(grants.allowedIps === undefined && { allowedIps }),
    // One without a limit does not have to pass that on.
    ...(grants.rateLimit === undefined && rateMax !== 0 && { rateMax, rateWindow }),
    ...(grants.quota === undefined && quotaMax !== 0 && { quotaMax, quotaEvery })
  }
}

function refuse (excess: Excess | null): Error | null {
  return excess === null ? null : new BeyondOwnError(excess.name, excess.allowed, excess.got)
}
