import type { ClientBase } from 'pg'
import { triggers } from './schema.js'

/** The triggers that announce changes, as they are in a database. */
export interface Announcers {
  /** The names of those that are not there or are disabled. */
  readonly missing: readonly string[]
  /** Differs once one of them was made anew, with its table or by itself, or was disabled for a while. */
  readonly identity: string
}

const NAMES = triggers.flatMap((statement) => /^CREATE TRIGGER (\w+)/.exec(statement)?.slice(1) ?? [])

/** Finds the triggers of a PostgreSQL schema. Waits for no lock on their tables. */
export async function findAnnouncers (client: ClientBase, schema: string, timeout: number): Promise<Announcers> {
  const statement = {
    name: 'api_key_announcers',
    text: `SELECT tgname AS name, concat_ws(' ', pg_trigger.oid, pg_trigger.xmin) AS version FROM pg_trigger
      JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = $1 AND tgname = ANY ($2) AND tgenabled IN ('O', 'A') ORDER BY pg_trigger.oid`,
    values: [schema, NAMES],
    query_timeout: timeout
  }
  const { rows } = await client.query<{ name: string, version: string }>(statement)
  const found = new Set(rows.map(({ name }) => name))
  return { missing: NAMES.filter((name) => !found.has(name)), identity: rows.map(({ version }) => version).join() }
}
