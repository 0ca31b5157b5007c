import { eq, sql, type SQL } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/sqlite-core'
import type { AccessRow } from '../rows.js'
import { accessColumns, keyColumns, selectKeys } from './columns.js'
import { prepareLookUp, type SqliteDatabase } from './database.js'
import { keys } from './schema.js'

/** Finds a key by the digest of its secret, or else by that of the one before the last rotation. */
export type LookUp = (digest: string) => AccessRow | null

/** Prepares the look-up by digest, which each request whose key is not in memory makes. */
export function lookUpIn (db: SqliteDatabase): LookUp {
  // A bare placeholder would not be encoded as the column's values are.
  const wanted = sql.param(sql.placeholder('digest'), keys.digest)
  const select = (isPrevious: SQL<number>) => selectKeys(db, { ...accessColumns, isPrevious })
  // One statement for both secrets, since to begin one takes as long as to look for what is not there. Of a row that it has it gives the first, and
  // goes no further. A limit would make SQLite plan it anew each time.
  const byDigest = prepareLookUp(db, unionAll(
    select(sql`0`).where(eq(keys.digest, wanted)), select(sql`1`).where(eq(keys.previousDigest, wanted))
  ), { ...keyColumns, ...accessColumns, isPrevious: null })
  return (digest) => {
    const row = byDigest({ digest })
    // Changed in the row, since to copy its thirty columns takes as long as half of the look-up. What is not surely the present secret is none.
    return row === undefined ? null : Object.assign(row, { isPrevious: row.isPrevious !== 0 })
  }
}
