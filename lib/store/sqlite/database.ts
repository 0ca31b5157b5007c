import type { Database } from 'better-sqlite3'
import { Column, is, Param, Placeholder, type Query } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { codeOf } from './failures.js'

/** A Drizzle database on a better-sqlite3 connection. */
export type SqliteDatabase = BetterSQLite3Database & { readonly $client: Database }

/**
 * Runs a step that writes, as one transaction that takes the write lock at its start, and turns what it throws into an
 * error of ours. Within a transaction of the application's it becomes a part of that.
 */
export type Write = <T>(step: () => T) => T

/** Values of a statement's placeholders, by name. */
type Values = Readonly<Record<string, unknown>>

/** Rows in one statement. Much of what a small one costs is to call it, and more than these save nothing more. */
const ROWS = 25

/**
 * Prepares a Drizzle statement for the driver alone. What Drizzle does for each call costs several times the call itself,
 * which shows where thousands of rows are written.
 *
 * @returns a function that runs it and tells how many rows it changed
 */
export function prepareBulk (db: SqliteDatabase, query: { toSQL: () => Query }): (values: object) => number {
  const run = prepareRows(db, query, 1)
  return (values) => run([values], NONE, 0)
}

/**
 * The same for an insert of many rows, several in one statement.
 *
 * @param insert makes the statement for so many rows, all with the same placeholders
 * @param orphans what becomes of a row that belongs to one which was deleted in the meantime
 * @returns a function that takes rows, and what each of them does not say itself
 */
export function prepareInsert<T extends object> (
  db: SqliteDatabase, insert: (count: number) => { toSQL: () => Query }, orphans: 'throw' | 'skip'
): (rows: readonly T[], rest?: readonly object[]) => void {
  const one = prepareRows(db, insert(1), 1)
  const many = prepareRows(db, insert(ROWS), ROWS)
  const attempt = orphans === 'skip' ? belongs : (step: () => unknown) => { step(); return true }
  return (rows, rest = NONE) => {
    for (let i = 0; i < rows.length; i += ROWS) {
      const end = Math.min(i + ROWS, rows.length)
      const isDone = end === i + ROWS && attempt(() => many(rows, rest, i))
      if (!isDone) for (let row = i; row < end; row++) attempt(() => one(rows, rest, row))
    }
  }
}

const NONE: readonly object[] = []

/**
 * Prepares a statement for so many rows.
 *
 * @returns a function that runs it for the rows from one on
 */
function prepareRows (db: SqliteDatabase, query: { toSQL: () => Query }, count: number): (rows: readonly object[], rest: readonly object[], from: number) => number {
  const { sql, params } = query.toSQL()
  const statement = db.$client.prepare<unknown[][]>(sql)
  const bind = prepareBinding(params, count)
  return (rows, rest, from) => statement.run(bind(rows, rest, from)).changes
}

/** Runs a statement. False when it broke a foreign key, and so did nothing. */
function belongs (step: () => unknown): boolean {
  try {
    step()
    return true
  } catch (error) {
    if (codeOf(error) !== 'SQLITE_CONSTRAINT_FOREIGNKEY') throw error
    return false
  }
}

/**
 * Prepares a Drizzle query of one row for the driver alone, for the look-up that each request may need.
 *
 * @param query selects exactly `columns`, in their order
 * @param columns null where it selects something else, which is given as the driver does
 * @returns a function that runs it and gives the row as Drizzle would, undefined when there is none
 */
export function prepareLookUp<R> (
  db: SqliteDatabase, query: { toSQL: () => Query, get: () => R | undefined }, columns: Readonly<Record<string, Column | null>>
): (values: object) => R | undefined {
  const { sql, params } = query.toSQL()
  const statement = db.$client.prepare<unknown[][], unknown[]>(sql).raw()
  const bind = prepareBinding(params, 1)
  const readers = Object.entries(columns).map(([name, column], i) => ({ name, i, decode: decoderOf(column) }))
  return (values) => {
    const found = statement.get(bind([values], NONE, 0))
    if (found === undefined) return undefined
    const row: Record<string, unknown> = {}
    for (const { name, i, decode } of readers) row[name] = found[i] === null || decode === null ? found[i] : decode(found[i])
    // The columns are those of the query, whose type this is.
    return row as R
  }
}

/** How a column's values are read; null when they are what the driver gives. */
function decoderOf (column: Column | null): ((value: unknown) => unknown) | null {
  return column === null || column.mapFromDriverValue === Column.prototype.mapFromDriverValue ? null : (value) => column.mapFromDriverValue(value)
}

/**
 * Prepares the binding of a statement's placeholders.
 *
 * @param count of rows that have the same placeholders in turn
 * @returns a function that takes their values by name and gives those of all parameters, in a list that the next call
 * fills anew
 */
function prepareBinding (params: readonly unknown[], count: number): (rows: readonly object[], rest: readonly object[], from: number) => unknown[] {
  const bound = [...params]
  const width = params.length / count
  const slots = params.slice(0, width).map(toSlot).filter((slot) => slot !== null)
  return (rows, rest, from) => {
    for (let row = 0; row < count; row++) {
      const values = rows[from + row] as Values
      const others = rest[from + row] as Values | undefined
      for (const { i, name, encode } of slots) {
        const value = values[name] === undefined ? others?.[name] : values[name]
        bound[row * width + i] = encode === null || value === null ? value : encode(value)
      }
    }
    return bound
  }
}

/** Where a placeholder's value goes, and how it is encoded if not as it is; null for what is no placeholder. */
function toSlot (param: unknown, i: number): { i: number, name: string, encode: ((value: unknown) => unknown) | null } | null {
  if (is(param, Placeholder)) return { i, name: param.name, encode: null }
  if (!is(param, Param) || !is(param.value, Placeholder)) return null
  const { value: { name }, encoder } = param
  return { i, name, encode: encoder.mapToDriverValue === Column.prototype.mapToDriverValue ? null : (value) => encoder.mapToDriverValue(value) }
}
