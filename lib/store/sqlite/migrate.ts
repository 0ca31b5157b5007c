import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { getTableConfig } from 'drizzle-orm/sqlite-core'
import { SchemaError } from '../../errors.js'
import type { SqliteDatabase } from './database.js'
import { generation, history, keys, profiles, triggers, usage, useLog, uses } from './schema.js'

/** A table of our own: Drizzle compares only the newest entry, so sharing the application's would hide our migrations. */
const MIGRATIONS_TABLE = 'api_key_migrations'

/** Relative to this file in lib and in dist alike. */
const FOLDER = fileURLToPath(new URL('../../../drizzle/sqlite', import.meta.url))

/**
 * Brings the tables up to date. Safe when many processes start at once: the write lock is taken before the table of
 * migrations is read, which Drizzle's own migrator does not do.
 */
export function migrate (db: SqliteDatabase): void {
  const migrations = readMigrationFiles({ migrationsFolder: FOLDER })
  const table = sql.identifier(MIGRATIONS_TABLE)
  db.transaction((tx) => {
    tx.run(sql`CREATE TABLE IF NOT EXISTS ${table} (hash text NOT NULL, created_at integer PRIMARY KEY)`)
    const done = tx.get<{ newest: number | null }>(sql`SELECT max(created_at) AS newest FROM ${table}`).newest ?? 0
    for (const migration of migrations.filter(({ folderMillis }) => folderMillis > done)) {
      for (const statement of migration.sql) tx.run(sql.raw(statement))
      tx.run(sql`INSERT INTO ${table} (hash, created_at) VALUES (${migration.hash}, ${migration.folderMillis})`)
    }
  }, { behavior: 'immediate' })
}

/**
 * Checks that tables, columns and triggers are there, and that the triggers do what they shall, for applications that hold them in their own migrations.
 *
 * @throws FST_API_KEY_SCHEMA_MISSING naming everything that is missing
 */
export function checkSchema (db: SqliteDatabase): void {
  const made = db.all<{ name: string, sql: string }>(sql`SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')`)
  const present = new Map(made.map(({ name, sql }) => [name, sql]))
  const missing: string[] = []
  for (const { name: table, columns } of [profiles, keys, uses, usage, useLog, history, generation].map(getTableConfig)) {
    if (!present.has(table)) {
      missing.push(`the table ${table}`)
      continue
    }
    const found = db.all<{ name: string }>(sql`SELECT name FROM pragma_table_info(${table})`).map(({ name }) => name)
    for (const { name } of columns) if (!found.includes(name)) missing.push(`the column ${table}.${name}`)
  }
  missing.push(...findMissingTriggers(present))
  if (present.has('api_key_generation') && db.all(sql`SELECT 1 FROM api_key_generation`).length !== 1) missing.push('the row of api_key_generation')
  if (missing.length > 0) throw new SchemaError(missing.join(', '))
}

/** The triggers that are not there, or do something else than ours, in words. */
function findMissingTriggers (present: ReadonlyMap<string, string>): string[] {
  return triggers.flatMap((statement) => {
    const [, name] = /^CREATE TRIGGER (\w+)/.exec(statement) ?? []
    if (name === undefined) return []
    const found = present.get(name)
    if (found === undefined) return [`the trigger ${name}`]
    return flat(found) === flat(statement) ? [] : [`the trigger ${name} as this version defines it`]
  })
}

/** Leaves out what a tool for migrations may write in another way: blanks, quotes, and letters' case. */
function flat (statement: string): string {
  return statement.replace(/[\s"`[\]]/g, '').toLowerCase()
}
