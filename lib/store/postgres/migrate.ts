import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { ClientBase } from 'pg'
import { MigrationError, SchemaError } from '../../errors.js'
import { findAnnouncers } from './announcers.js'
import { tablesIn } from './database.js'
import { codeOf } from './failures.js'

/** A table of our own: Drizzle compares only the newest entry, so sharing the application's would hide our migrations. */
const MIGRATIONS_TABLE = 'api_key_migrations'

/** Relative to this file in lib and in dist alike. */
const FOLDER = fileURLToPath(new URL('../../../drizzle/postgres', import.meta.url))

/** Held while migrating, so that nodes that start at once do it one after the other. The number only has to be ours. */
const LOCK = 7_308_604_129

/** Insufficient privilege; and a search path of which the role may use nothing. */
const FORBIDDEN = new Set<unknown>(['42501', '3F000'])

/** How long a migration may take, in milliseconds; a node that waits for another's takes as long. */
const TIMEOUT = 600_000

/** What names are put into SQL by. */
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/**
 * Brings the tables in a PostgreSQL schema up to date, and makes the schema if there is none. Asks for no right that it
 * does not need: when all is there, none at all.
 *
 * @throws FST_API_KEY_CANNOT_MIGRATE with the SQL that helps, when the role may not
 */
export async function migrate (client: ClientBase, schema: string): Promise<void> {
  const query = (text: string, values: unknown[] = []) => {
    const statement = { text, values, query_timeout: TIMEOUT }
    return client.query(statement)
  }
  await query('BEGIN ISOLATION LEVEL READ COMMITTED')
  try {
    await query(`SET LOCAL statement_timeout = ${TIMEOUT}`)
    await query('SELECT pg_advisory_xact_lock($1)', [LOCK])
    const { rows: [schemas] } = await query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    if (schemas === undefined) await query(`CREATE SCHEMA ${quoted(schema)}`)
    await query(`SET LOCAL search_path = ${quoted(schema)}`)
    const { rows: [tables] } = await query(`SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = '${MIGRATIONS_TABLE}'`, [schema])
    if (tables === undefined) await query(`CREATE TABLE ${MIGRATIONS_TABLE} (hash text NOT NULL, created_at bigint PRIMARY KEY)`)
    const { rows: [row] } = await query(`SELECT max(created_at)::float8 AS newest FROM ${MIGRATIONS_TABLE}`)
    const newest = Number(row?.newest ?? 0)
    for (const migration of readMigrationFiles({ migrationsFolder: FOLDER }).filter(({ folderMillis }) => folderMillis > newest)) {
      for (const statement of migration.sql) await query(here(statement))
      await query(`INSERT INTO ${MIGRATIONS_TABLE} (hash, created_at) VALUES ($1, $2)`, [migration.hash, migration.folderMillis])
    }
    await query('COMMIT')
  } catch (error) {
    // The connection is closed after a failure, which rolls back too.
    throw FORBIDDEN.has(codeOf(error)) ? await toMigrationError(client, schema) : error
  }
}

/** Drizzle writes the schema public into foreign keys. Without it, the search path says where the tables are. */
function here (statement: string): string {
  return statement.replaceAll('"public".', '')
}

async function toMigrationError (client: ClientBase, schema: string): Promise<Error> {
  await client.query('ROLLBACK')
  const { rows: [found] } = await client.query(
    'SELECT current_user AS role, current_database() AS database, EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS exists', [schema])
  const role = quoted(found.role)
  const grant = found.exists
    ? `GRANT USAGE, CREATE ON SCHEMA ${quoted(schema)} TO ${role};`
    : `CREATE SCHEMA ${quoted(schema)} AUTHORIZATION ${role};`
  const tables = Object.values(tablesIn(schema)).map((table) => `${quoted(schema)}.${getTableConfig(table).name}`).join(', ')
  return new MigrationError(found.role, schema, `Let a role that may run this: ${grant} Or let it apply the files in the ` +
    `package's folder drizzle/postgres in that schema, then GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${role}; ` +
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${tables} TO ${role}; ` +
    'and set the option migrate to false')
}

/**
 * Checks that tables, columns and triggers are there, and that the triggers do what they shall, for applications that hold them in their own migrations.
 *
 * @throws FST_API_KEY_SCHEMA_MISSING naming everything that is missing
 */
export async function checkSchema (client: ClientBase, schema: string): Promise<void> {
  const { rows: columns } = await client.query(`
    SELECT relname AS table, array_agg(attname::text) AS columns FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE nspname = $1 AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped GROUP BY relname`, [schema])
  const present = new Map<string, string[]>(columns.map((row) => [row.table, row.columns]))
  const missing: string[] = []
  for (const { name: table, columns } of Object.values(tablesIn(schema)).map(getTableConfig)) {
    const found = present.get(table)
    if (found === undefined) missing.push(`the table ${schema}.${table}`)
    else missing.push(...columns.filter(({ name }) => !found.includes(name)).map(({ name }) => `the column ${table}.${name}`))
  }
  const announcers = await findAnnouncers(client, schema, TIMEOUT)
  missing.push(...announcers.missing)
  if (missing.length > 0) throw new SchemaError(missing.join(', '))
}
