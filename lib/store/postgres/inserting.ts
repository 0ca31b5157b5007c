import { and, asc, count, gt, isNull, or, sql } from 'drizzle-orm'
import type { AccessRow, KeyDraft, KeyTerms, ProfileRow } from '../rows.js'
import type { Inserted, Rules, Store } from '../store.js'
import type { Author } from '../bookkeeping.js'
import { keyCreated, profileCreated } from '../remembering.js'
import { toNewRow } from '../terms.js'
import { lockActing } from './acting.js'
import { anyOf, profileColumns } from './columns.js'
import type { Context, PostgresDatabase, Tables } from './database.js'
import { remember } from './history.js'
import { Refused } from './failures.js'

/** Keys in one statement, so that none runs for long. */
const CHUNK = 5000

/** A profile within one batch, and how many keys it may still get. */
interface Seat {
  readonly profile: ProfileRow
  readonly limit: number
  left: number
}

/** A key that may be inserted, and its profile. */
interface Placed {
  readonly draft: KeyDraft
  readonly profile: ProfileRow
  readonly terms: KeyTerms
}

/**
 * The verb of a store that makes keys. The limit of live keys is exact whoever else makes some at the same time: one
 * statement locks the profiles, and only the next one counts, since a statement counts what was there when it began.
 */
export function insertVerb ({ tables, transaction }: Context): Pick<Store, 'insertKeys'> {
  async function insertAll (db: PostgresDatabase, drafts: readonly KeyDraft[], at: number, rules: Rules, author: Author | undefined, digest: string | undefined): Promise<Inserted> {
    await refuseUsedNonces(db, tables, drafts)
    const created: ProfileRow[] = []
    const seats = await openSeats(db, tables, drafts, at, rules, created)
    const acting = digest === undefined ? null : await lockActing(db, tables, digest)
    const placed = drafts.map((draft, i) => take(seats, draft, i, rules, acting))
    for (let i = 0; i < placed.length; i += CHUNK) await insertChunk(db, tables, placed.slice(i, i + CHUNK))
    const rows = placed.map(({ draft, profile, terms }) => toNewRow(draft, profile, terms))
    await remember(db, tables, author, [...created.map(profileCreated), ...rows.map(keyCreated)])
    return { refused: null, keys: rows, profiles: created }
  }

  return {
    async insertKeys (drafts, at, rules, author, acting) {
      try {
        return await transaction((db) => insertAll(db, drafts, at, rules, author, acting))
      } catch (error) {
        if (error instanceof Refused) return error.refusal
        throw error
      }
    }
  }
}

async function refuseUsedNonces (db: PostgresDatabase, { keys }: Tables, drafts: readonly KeyDraft[]): Promise<void> {
  const nonces = drafts.flatMap(({ nonce }) => nonce ?? [])
  if (nonces.length === 0) return
  const used = await db.select({ nonce: keys.nonce }).from(keys).where(anyOf(keys.nonce, nonces))
  const draft = drafts.find(({ nonce }) => used.some((row) => row.nonce === nonce))
  if (draft !== undefined) throw new Refused({ refused: 'nonce', userId: draft.userId })
}

/** Takes a place for a key, or says why there is none. */
function take (seats: Map<string, Seat>, draft: KeyDraft, i: number, rules: Rules, acting: AccessRow | null): Placed {
  const { userId } = draft
  const seat = seats.get(userId)
  if (seat === undefined) throw new Refused({ refused: 'no-profile', userId })
  const terms = rules.termsOf(seat.profile, i, acting)
  if (terms instanceof Error) throw new Refused({ refused: 'rule', userId, error: terms })
  if (seat.left < 1) throw new Refused({ refused: 'full', userId, limit: seat.limit })
  seat.left -= 1
  return { draft, profile: seat.profile, terms }
}

/** Finds or makes the profiles of a batch, locks them, and counts their live keys. */
async function openSeats (db: PostgresDatabase, tables: Tables, drafts: readonly KeyDraft[], at: number, rules: Rules, created: ProfileRow[]): Promise<Map<string, Seat>> {
  const profiles = await lockProfiles(db, tables, drafts, created)
  const limits = profiles.map((profile) => ({ profile, limit: rules.limitOf(profile) }))
  const live = await countLive(db, tables, at, limits.filter(({ limit }) => limit !== -1).map(({ profile }) => profile.id))
  return new Map(limits.map(({ profile, limit }) =>
    [profile.userId, { profile, limit, left: limit === -1 ? Infinity : limit - (live.get(profile.id) ?? 0) }]))
}

async function lockProfiles (db: PostgresDatabase, tables: Tables, drafts: readonly KeyDraft[], created: ProfileRow[]): Promise<ProfileRow[]> {
  const users = [...new Set(drafts.map(({ userId }) => userId))]
  const made = new Set<number>()
  // One whom somebody else makes a profile for at the same time is found in the next round.
  for (;;) {
    const found = await db.select(profileColumns(tables)).from(tables.profiles)
      .where(and(anyOf(tables.profiles.userId, users), isNull(tables.profiles.deletedAt)))
      .orderBy(asc(tables.profiles.id)).for('no key update')
    const known = new Set(found.map(({ userId }) => userId))
    const missing = drafts.filter((draft) => draft.makeProfile && !known.has(draft.userId))
    if (missing.length === 0) {
      created.push(...found.filter(({ id }) => made.has(id)))
      return found
    }
    for (const id of await makeProfiles(db, tables, missing)) made.add(id)
  }
}

/** Makes profiles, but for users who got one in the meantime, and gives the ids of those that were made. */
async function makeProfiles (db: PostgresDatabase, { profiles }: Tables, drafts: readonly KeyDraft[]): Promise<number[]> {
  const times = new Map(drafts.map(({ userId, createdAt }) => [userId, createdAt]))
  // In an order, so that two batches with the same users do not wait for each other.
  const users = [...times.keys()].sort()
  const rows = await db.execute<{ id: string }>(sql`
    INSERT INTO ${profiles} (user_id, created_at)
    SELECT * FROM unnest(${sql.param(users)}::text[], ${sql.param(users.map((userId) => times.get(userId)))}::bigint[])
    ON CONFLICT (user_id) WHERE deleted_at IS NULL DO NOTHING RETURNING id`)
  return rows.map(({ id }) => Number(id))
}

async function countLive (db: PostgresDatabase, { keys }: Tables, at: number, profileIds: readonly number[]): Promise<Map<number, number>> {
  if (profileIds.length === 0) return new Map()
  const rows = await db.select({ profileId: keys.profileId, live: count() }).from(keys)
    .where(and(anyOf(keys.profileId, profileIds), isNull(keys.revokedAt), or(isNull(keys.expiresAt), gt(keys.expiresAt, at)))).groupBy(keys.profileId)
  return new Map(rows.map(({ profileId, live }) => [profileId, live]))
}

async function insertChunk (db: PostgresDatabase, { keys }: Tables, placed: readonly Placed[]): Promise<void> {
  const column = (value: (placed: Placed) => unknown) => sql.param(placed.map(value))
  const rows = await db.execute<{ id: string }>(sql`
    INSERT INTO ${keys} (id, profile_id, name, start, digest, nonce, created_at, expires_at,
      rate_max, rate_window, quota_max, quota_every, scopes, allowed_ips, metadata)
    SELECT * FROM unnest(${column(({ draft }) => draft.id)}::text[], ${column(({ profile }) => profile.id)}::bigint[],
      ${column(({ draft }) => draft.name)}::text[], ${column(({ draft }) => draft.start)}::text[],
      ${column(({ draft }) => Buffer.from(draft.digest, 'latin1'))}::bytea[], ${column(({ draft }) => draft.nonce)}::text[],
      ${column(({ draft }) => draft.createdAt)}::bigint[], ${column(({ terms }) => terms.expiresAt)}::bigint[],
      ${column(({ terms }) => terms.rateMax)}::bigint[], ${column(({ terms }) => terms.rateWindow)}::bigint[],
      ${column(({ terms }) => terms.quotaMax)}::bigint[], ${column(({ terms }) => terms.quotaEvery)}::bigint[],
      ${column(({ terms }) => JSON.stringify(terms.scopes))}::jsonb[], ${column(({ terms }) => toJson(terms.allowedIps))}::jsonb[],
      ${column(({ terms }) => toJson(terms.metadata))}::jsonb[])
    ON CONFLICT (nonce) WHERE nonce IS NOT NULL DO NOTHING RETURNING id`)
  if (rows.length === placed.length) return
  // A form that was sent twice got past the first check both times.
  const inserted = new Set(rows.map(({ id }) => id))
  const skipped = placed.find(({ draft }) => !inserted.has(draft.id))
  if (skipped !== undefined) throw new Refused({ refused: 'nonce', userId: skipped.draft.userId })
}

function toJson (value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}
