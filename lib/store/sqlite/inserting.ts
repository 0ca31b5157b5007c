import { and, count, eq, isNull, sql } from 'drizzle-orm'
import type { Inserted, KeyDraft, KeyRow, ProfileRow, Store } from '../store.js'
import type { SqliteDatabase, Write } from './database.js'
import { Refused } from './failures.js'
import { ensureProfile, findProfile } from './profiles.js'
import { keys } from './schema.js'

/** A profile within one batch, and how many keys it may still get. */
interface Seat {
  readonly profile: ProfileRow
  readonly limit: number
  left: number
}

/** The verb of a store that makes keys. SQLite has one writer at a time, so what is counted within the transaction holds. */
export function insertVerb (db: SqliteDatabase, write: Write): Pick<Store, 'insertKeys'> {
  const insert = prepareInsert(db)
  const byNonce = db.select({ id: keys.id }).from(keys).where(eq(keys.nonce, sql.placeholder('nonce'))).prepare()

  function insertAll (drafts: readonly KeyDraft[], maxKeys: number): Inserted {
    const seats = new Map<string, Seat>()
    const created: ProfileRow[] = []
    const rows = drafts.map((draft) => {
      const { userId } = draft
      if (draft.nonce !== null && byNonce.get({ nonce: draft.nonce }) !== undefined) throw new Refused({ refused: 'nonce', userId })
      const seat = seats.get(userId) ?? openSeat(db, draft, maxKeys, created)
      seats.set(userId, seat)
      if (seat.left < 1) throw new Refused({ refused: 'full', userId, limit: seat.limit })
      seat.left -= 1
      insert.run({ ...draft, profileId: seat.profile.id })
      return toRow(draft, seat.profile.id)
    })
    return { refused: null, keys: rows, profiles: created }
  }

  return {
    async insertKeys (drafts, maxKeys) {
      try {
        return write(() => insertAll(drafts, maxKeys))
      } catch (error) {
        if (error instanceof Refused) return error.refusal
        throw error
      }
    }
  }
}

/** Finds or makes the profile of a draft's user and counts its live keys, once for a whole batch. */
function openSeat (db: SqliteDatabase, draft: KeyDraft, maxKeys: number, created: ProfileRow[]): Seat {
  const profile = findProfile(db, draft.userId) ?? makeProfile(db, draft, created)
  if (profile.canMakeKeys === false) throw new Refused({ refused: 'forbidden', userId: draft.userId })
  const limit = profile.maxKeys ?? maxKeys
  return { profile, limit, left: limit === -1 ? Infinity : limit - countLive(db, profile.id) }
}

function makeProfile (db: SqliteDatabase, draft: KeyDraft, created: ProfileRow[]): ProfileRow {
  if (!draft.makeProfile) throw new Refused({ refused: 'no-profile', userId: draft.userId })
  const { row } = ensureProfile(db, draft.userId, {}, draft.createdAt)
  created.push(row)
  return row
}

function countLive (db: SqliteDatabase, profileId: number): number {
  const [{ live } = { live: 0 }] = db.select({ live: count() }).from(keys).where(and(eq(keys.profileId, profileId), isNull(keys.revokedAt))).all()
  return live
}

function prepareInsert (db: SqliteDatabase) {
  return db.insert(keys).values({
    id: sql.placeholder('id'),
    profileId: sql.placeholder('profileId'),
    name: sql.placeholder('name'),
    start: sql.placeholder('start'),
    digest: sql.placeholder('digest'),
    nonce: sql.placeholder('nonce'),
    createdAt: sql.placeholder('createdAt')
  }).prepare()
}

function toRow (draft: KeyDraft, profileId: number): KeyRow {
  const { id, userId, name, start, createdAt } = draft
  return { id, profileId, userId, name, start, createdAt, lastUsedAt: null, loggedIp: null, revokedAt: null }
}
