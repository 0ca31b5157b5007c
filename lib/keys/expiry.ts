import type { Check, Checks } from '../checks.js'
import { DURATION_FORMS, isDuration, toMilliseconds, type Duration } from '../durations.js'
import type { Terms } from './terms.js'

/** How long keys live. */
export interface ExpiryOptions {
  /** New keys that say nothing themselves; `false` is without end. */
  default?: Duration | false | null
  /** At most, counted from when the key was made; `false` is without end. */
  max?: Duration | false | null
}

const LIFE: Check = {
  allowed: `${DURATION_FORMS}; false for without end, or null for what holds otherwise`,
  test: (value) => value === null || value === false || isDuration()(value)
}

/** The checks of an `expiry` object. */
export const EXPIRY: Checks = { default: LIFE, max: LIFE }

/** What is contradictory in an `expiry` object whose properties are allowed; null when nothing is. */
export function findContradiction ({ default: life, max }: ExpiryOptions): string | null {
  if (max === undefined || max === null || max === false || life === undefined || life === null) return null
  if (life === false) return 'without end'
  return toMilliseconds(life) > toMilliseconds(max) ? `${toMilliseconds(life)} ms` : null
}

/**
 * How long a key lives that says nothing itself, in milliseconds; null for without end. A default that is longer than the
 * maximum, from another level, is cut to it. So is none at all.
 */
export function usualLife (expiryDefault: number | null, expiryMax: number | null): number | null {
  const life = Math.min(expiryDefault ?? Infinity, expiryMax ?? Infinity)
  return life === Infinity ? null : life
}

/** The terms of an `expiry` object that was checked. */
export function toExpiryTerms ({ default: life, max }: ExpiryOptions): Pick<Terms, 'expiryDefault' | 'expiryMax'> {
  return { ...(life !== undefined && { expiryDefault: toLife(life) }), ...(max !== undefined && { expiryMax: toLife(max) }) }
}

function toLife (life: Duration | false | null): number | null {
  return life === null ? null : life === false ? 0 : toMilliseconds(life)
}
