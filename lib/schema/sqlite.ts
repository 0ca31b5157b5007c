/*
 * What the package exports as `fastify-apikey/schema/sqlite`: the tables for SQLite, for applications that keep all tables in one Drizzle
 * schema. By the names of the tables, since an application has names such as `profiles` itself, and of two things that a module
 * re-exports under one name it has neither.
 */

import { triggers as statements } from '../store/sqlite/schema.js'
import { toMigration } from './migration.js'

export {
  generation as apiKeyGeneration, history as apiKeyHistory, keys as apiKeys, profiles as apiKeyProfiles, usage as apiKeyUsage, useLog as apiKeyUseLog,
  uses as apiKeyUses
} from '../store/sqlite/schema.js'

/** SQL to run once after the tables are made, and again when a version changes it: each trigger takes the place of the one before. */
export const triggers: readonly string[] = statements.flatMap((statement) => {
  const [, name] = /^CREATE TRIGGER (\w+)/.exec(statement) ?? []
  return name === undefined ? [statement] : [`DROP TRIGGER IF EXISTS ${name}`, statement]
})

/** The same as the text of one of Drizzle's migrations. */
export const triggerMigration: string = toMigration(triggers)
