import type { Database } from 'better-sqlite3'
import { is, Param, Placeholder, type Query } from 'drizzle-orm'
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

function toBinder (param: unknown): (values: Values) => unknown {
  if (is(param, Placeholder)) return (values) => values[param.name]
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { value: { name }, encoder } = param
    return (values) => values[name] === null ? null : encoder.mapToDriverValue(values[name])
  }
  return () => param
}
