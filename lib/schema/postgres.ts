/*
 * What the package exports as `fastify-apikey/schema/postgres`: the tables for PostgreSQL, by the same names as those for SQLite.
 */

import { triggers as statements } from '../store/postgres/schema.js'
import { toMigration } from './migration.js'

export { history as apiKeyHistory, keys as apiKeys, profiles as apiKeyProfiles, usage as apiKeyUsage, useLog as apiKeyUseLog, uses as apiKeyUses } from '../store/postgres/schema.js'

/** SQL to run once after the tables are made, and again when a version changes it: each trigger and function takes the place of the one before. */
export const triggers: readonly string[] = statements.flatMap((statement) => {
  const [, name, table] = /^CREATE TRIGGER (\w+) .*? ON (\w+) /.exec(statement) ?? []
  return name === undefined ? [statement.replace(/^CREATE FUNCTION/, 'CREATE OR REPLACE FUNCTION')] : [`DROP TRIGGER IF EXISTS ${name} ON ${table}`, statement]
})

/** The same as the text of one of Drizzle's migrations. */
export const triggerMigration: string = toMigration(triggers)
