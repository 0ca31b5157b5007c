import { BeyondOwnError } from '../errors.js'
import type { AccessRow, KeyFields, KeyRow, KeyTerms, ProfileRow, StoredKey } from '../store/rows.js'
import { judgeActing, type ActingSettings } from './acting.js'
import type { KeyGrants } from './granting.js'
import { findExcess, findGain, findShortened, reachOf, reachOfProfile, type Excess, type Reach } from './reach.js'
import { digestOf } from './secret.js'
import { resolveTerms, type Resolved } from './terms.js'

/*
 * What people and programs may give to keys by the API: nobody hands out more than they hold. For a person that is what the
 * profile may have, for a program what its own key may. Pure, and asked while the key in question is locked.
 *
 * One order is all that it rests on: whether a key, by all that it may, is within another (`reach.ts`). A new key has to be within
 * what the principal holds. So has a key that a program makes more of than it was, in whatever respect; while less than it was it may
 * become freely. A person holds all of their keys, so what counts there is only what becomes more.
 */

/** Holds what somebody asks for to what they may give. Asked while the key is locked, and with it the acting one. */
export interface Bounds {
  /** The digest of the secret that asks; undefined for a person. */
  readonly acting: string | undefined
  /** What a new key is given, where it is not said; or why there can be none. */
  readonly create: (terms: KeyTerms, grants: KeyGrants, profile: ProfileRow, acting: AccessRow | null) => KeyTerms | Error
  /** What to change of a key; or why it may not be changed so. */
  readonly change: (fields: KeyFields, key: StoredKey, profile: ProfileRow, acting: AccessRow | null) => KeyFields | Error
  /** Why a key may be given no new secret, which whoever asks will hold; null when it may. */
  readonly rotate: (key: StoredKey, profile: ProfileRow, acting: AccessRow | null) => Error | null
  /** Why whoever asks may revoke no key; null when they may. */
  readonly revoke: (acting: AccessRow | null) => Error | null
}

/** Somebody who asks: a program by the key that it acts with, null for a person. */
interface Own {
  readonly acting: KeyRow | null
  readonly terms: Resolved
  readonly reach: Reach
}

/**
 * The bounds of whoever asks.
 *
 * @param secret that of a program; null for a person
 * @param ip from where it asks; null when that is not known
 */
export function boundsOf (secret: string | null, ip: string | null, settings: ActingSettings): Bounds {
  const judge = (found: AccessRow | null) => secret === null ? null : judgeActing(found, ip, settings)
  const ownOf = (profile: ProfileRow, found: AccessRow | null): Own | Error => {
    const acting = judge(found)
    if (acting instanceof Error) return acting
    const terms = resolveTerms(profile, settings)
    return { acting, terms, reach: acting === null ? reachOfProfile(terms) : reachOf(acting, terms) }
  }
  return {
    acting: secret === null ? undefined : digestOf(secret),
    create (asked, grants, profile, found) {
      const own = ownOf(profile, found)
      if (own instanceof Error) return own
      const given = own.acting === null ? asked : { ...asked, ...inherit(asked, grants, own.acting) }
      return refuse(findExcess(reachOf(given, own.terms), own.reach)) ?? given
    },
    change (fields, key, profile, found) {
      const own = ownOf(profile, found)
      if (own instanceof Error) return own
      return refuse(findForbidden(fields, key, own)) ?? keepCount(fields, own.reach)
    },
    rotate (key, profile, found) {
      const own = ownOf(profile, found)
      if (own instanceof Error) return own
      return own.acting === null ? null : refuse(findExcess(reachOf(key, own.terms), own.reach))
    },
    revoke (found) {
      const acting = judge(found)
      return acting instanceof Error ? acting : null
    }
  }
}

/** In what respect a change makes more of a key than whoever asks may; null in none. */
function findForbidden (fields: KeyFields, key: StoredKey, { acting, terms, reach }: Own): Excess | null {
  const before = reachOf(key, terms)
  const after = reachOf({ ...key, ...fields }, terms)
  // Whatever the key is otherwise, it is the person's.
  if (acting === null) return findGain(after, before, reach) ?? findShortened(after, before, reach)
  if (key.id === acting.id) return findExcess(after, before)
  const isEnabled = key.enabled === false && fields.enabled === true
  const excess = isEnabled || findExcess(after, before) !== null ? findExcess(after, reach) : null
  return excess ?? findShortened(after, before, reach)
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
