import type { Database } from 'better-sqlite3'
import { Column, is, Param, Placeholder, type Query } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'

/** A Drizzle database on a better-sqlite3 connection. */
export type SqliteDatabase = BetterSQLite3Database & { readonly $client: Database }

/**
 * Runs a step that writes, as one transaction that takes the write lock at its start, and turns what it throws into an
 * error of ours. Within a transaction of the application's it becomes a part of that.
 */
export type Write = <T>(step: () => T) => T

/** Values of a statement's placeholders, by name. */
export type Values = Readonly<Record<string, unknown>>

/**
 * Prepares a Drizzle statement for the driver alone. What Drizzle does for each call costs several times the call itself,
 * which shows where thousands of rows are written.
 *
 * @returns a function that runs it and tells how many rows it changed
 */
export function prepareBulk (db: SqliteDatabase, query: { toSQL: () => Query }): (values: Values) => number {
  const { sql, params } = query.toSQL()
  const statement = db.$client.prepare<unknown[][]>(sql)
  const binders = params.map(toBinder)
  return (values) => statement.run(binders.map((bind) => bind(values))).changes
}

/**
 * Prepares a Drizzle query of one row for the driver alone, for the look-up that each request may need.
 *
 * @param query selects exactly `columns`, in their order
 * @returns a function that runs it and gives the row as Drizzle would, undefined when there is none
 */
export function prepareLookUp<R> (
  db: SqliteDatabase, query: { toSQL: () => Query, get: () => R | undefined }, columns: Readonly<Record<string, Column>>
): (values: Values) => R | undefined {
  const { sql, params } = query.toSQL()
  const statement = db.$client.prepare<unknown[][], unknown[]>(sql).raw()
  const binders = params.map(toBinder)
  const readers = Object.entries(columns).map(([name, column], i) => ({ name, i, decode: decoderOf(column) }))
  return (values) => {
    const found = statement.get(binders.map((bind) => bind(values)))
    if (found === undefined) return undefined
    const row: Record<string, unknown> = {}
    for (const { name, i, decode } of readers) row[name] = found[i] === null || decode === null ? found[i] : decode(found[i])
    // The columns are those of the query, whose type this is.
    return row as R
  }
}

/** How a column's values are read; null when they are what the driver gives. */
function decoderOf (column: Column): ((value: unknown) => unknown) | null {
  return column.mapFromDriverValue === Column.prototype.mapFromDriverValue ? null : (value) => column.mapFromDriverValue(value)
}

function toBinder (param: unknown): (values: Values) => unknown {
  if (is(param, Placeholder)) return (values) => values[param.name]
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { value: { name }, encoder } = param
    return (values) => values[name] === null ? null : encoder.mapToDriverValue(values[name])
  }
  return () => param
}
