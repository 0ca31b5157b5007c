import { and, count, eq, gt, isNull, or, sql } from 'drizzle-orm'
import type { KeyDraft, ProfileRow } from '../rows.js'
import type { Inserted, Rules, Store } from '../store.js'
import type { Author } from '../bookkeeping.js'
import { keyCreated, profileCreated } from '../remembering.js'
import { toNewRow } from '../terms.js'
import { profileColumns } from './columns.js'
import { prepareInsert, type SqliteDatabase, type Write } from './database.js'
import { Refused } from './failures.js'
import { remember } from './history.js'
import type { LookUp } from './look-up.js'
import { keys, profiles } from './schema.js'

/** How many keys are remembered at a time. */
const REMEMBERED = 1000

/** A profile within one batch, and how many keys it may still get. */
interface Seat {
  readonly profile: ProfileRow
  readonly limit: number
  left: number
}

/** The verb of a store that makes keys. SQLite has one writer at a time, so what is counted within the transaction holds. */
export function insertVerb (db: SqliteDatabase, write: Write, lookUp: LookUp): Pick<Store, 'insertKeys'> {
  const statements = prepareStatements(db)

  function insertAll (drafts: readonly KeyDraft[], at: number, rules: Rules, author: Author | undefined, digest: string | undefined): Inserted {
    const acting = digest === undefined ? null : lookUp(digest)
    const seats = new Map<string, Seat>()
    const created: ProfileRow[] = []
    const nonces = new Set<string>()
    const rows = drafts.map((draft, i) => {
      const { userId, nonce } = draft
      if (nonce !== null) {
        if (nonces.has(nonce) || statements.byNonce.get({ nonce }) !== undefined) throw new Refused({ refused: 'nonce', userId })
        nonces.add(nonce)
      }
      const seat = seats.get(userId) ?? openSeat(statements, draft, at, rules, created)
      seats.set(userId, seat)
      const terms = rules.termsOf(seat.profile, i, acting)
      if (terms instanceof Error) throw new Refused({ refused: 'rule', userId, error: terms })
      if (seat.left < 1) throw new Refused({ refused: 'full', userId, limit: seat.limit })
      seat.left -= 1
      return toNewRow(draft, seat.profile, terms)
    })
    statements.insertKeys(rows, drafts)
    remember(db, author, created.map(profileCreated))
    // Bit by bit, since so many objects at once would outlive the garbage collector's first look at them.
    for (let i = 0; i < rows.length; i += REMEMBERED) remember(db, author, rows.slice(i, i + REMEMBERED).map(keyCreated))
    return { refused: null, keys: rows, profiles: created }
  }

  return {
    async insertKeys (drafts, at, rules, author, acting) {
      try {
        return write(() => insertAll(drafts, at, rules, author, acting))
      } catch (error) {
        if (error instanceof Refused) return error.refusal
        throw error
      }
    }
  }
}

/** Finds or makes the profile of a draft's user and counts its live keys, once for a whole batch. */
function openSeat (statements: Statements, draft: KeyDraft, at: number, rules: Rules, created: ProfileRow[]): Seat {
  const { userId } = draft
  const profile = statements.profileOf.get({ userId }) ?? makeProfile(statements, draft, created)
  const limit = rules.limitOf(profile)
  if (limit === -1) return { profile, limit, left: Infinity }
  const [{ live } = { live: 0 }] = statements.countLive.all({ profileId: profile.id, at })
  return { profile, limit, left: limit - live }
}

function makeProfile (statements: Statements, draft: KeyDraft, created: ProfileRow[]): ProfileRow {
  if (!draft.makeProfile) throw new Refused({ refused: 'no-profile', userId: draft.userId })
  const row = statements.insertProfile.get({ userId: draft.userId, createdAt: draft.createdAt })
  created.push(row)
  return row
}

type Statements = ReturnType<typeof prepareStatements>

/** Prepared once, since a batch may hold many users. */
function prepareStatements (db: SqliteDatabase) {
  const placeholder = sql.placeholder
  return {
    byNonce: db.select({ id: keys.id }).from(keys).where(eq(keys.nonce, placeholder('nonce'))).prepare(),
    profileOf: db.select(profileColumns).from(profiles)
      .where(and(eq(profiles.userId, placeholder('userId')), isNull(profiles.deletedAt))).prepare(),
    insertProfile: db.insert(profiles).values({ userId: placeholder('userId'), createdAt: placeholder('createdAt') })
      .returning(profileColumns).prepare(),
    countLive: db.select({ live: count() }).from(keys)
      .where(and(eq(keys.profileId, placeholder('profileId')), isNull(keys.revokedAt), or(isNull(keys.expiresAt), gt(keys.expiresAt, placeholder('at'))))).prepare(),
    insertKeys: prepareInsert(db, (count) => db.insert(keys).values(Array(count).fill({
      id: placeholder('id'),
      profileId: placeholder('profileId'),
      name: placeholder('name'),
      start: placeholder('start'),
      digest: placeholder('digest'),
      nonce: placeholder('nonce'),
      createdAt: placeholder('createdAt'),
      scopes: placeholder('scopes'),
      expiresAt: placeholder('expiresAt'),
      allowedIps: placeholder('allowedIps'),
      rateMax: placeholder('rateMax'),
      rateWindow: placeholder('rateWindow'),
      quotaMax: placeholder('quotaMax'),
      quotaEvery: placeholder('quotaEvery'),
      metadata: placeholder('metadata')
    })), 'throw')
  }
}
