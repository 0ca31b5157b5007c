import type { ClientBase } from 'pg'
import { triggers } from './schema.js'

/** The triggers that announce changes, as they are in a database. */
export interface Announcers {
  /** Those that are not there, are disabled, or do something else than ours, in words. */
  readonly missing: readonly string[]
  /** Differs once one of them or its function was made anew, with its table or by itself, or was disabled for a while. */
  readonly identity: string
}

/** What a trigger does: when it fires, and the body of its function. */
interface Definition {
  readonly name: string
  readonly definition: string
  readonly body: string
}

const BODIES = new Map(triggers.flatMap((statement) => {
  const [, name, body] = /^CREATE FUNCTION (\w+)\(\).*?\$\$(.*)\$\$$/s.exec(statement) ?? []
  return name === undefined || body === undefined ? [] : [[name, body]]
}))

const EXPECTED: readonly Definition[] = triggers.flatMap((statement) => {
  const [, name, action] = /^CREATE TRIGGER (\w+) .* EXECUTE FUNCTION (\w+)\(\)$/s.exec(statement) ?? []
  return name === undefined || action === undefined ? [] : [{ name, definition: spellOut(statement), body: String(BODIES.get(action)) }]
})

const NAMES = EXPECTED.map(({ name }) => name)

/** The enabled triggers of a PostgreSQL schema that have our names, and their functions. */
const FOUND = `FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_class ON pg_class.oid = tgrelid
  JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1 AND tgname = ANY ($2) AND tgenabled IN ('O', 'A')`

const IDENTITY = "concat_ws(' ', pg_trigger.oid, pg_trigger.xmin, pg_proc.oid, pg_proc.xmin)"

/** What the triggers of a PostgreSQL schema are known by again. Asked often, so it reads no definitions and waits for no lock on their tables. */
export async function identifyAnnouncers (client: ClientBase, schema: string, timeout: number): Promise<string> {
  const [row] = await ask<{ identity: string }>(client, { name: 'api_key_announcers' }, `SELECT string_agg(${IDENTITY}, ',' ORDER BY pg_trigger.oid) AS identity ${FOUND}`, schema, timeout)
  return String(row?.identity)
}

/**
 * Finds the triggers of a PostgreSQL schema and looks at what they do. Waits while one of their tables is being altered. Not
 * prepared, since it is asked before anybody knows whether there is a pooler in between.
 */
export async function findAnnouncers (client: ClientBase, schema: string, timeout: number): Promise<Announcers> {
  const rows = await ask<Definition & { identity: string }>(client, {},
    `SELECT tgname AS name, ${IDENTITY} AS identity, pg_get_triggerdef(pg_trigger.oid) AS definition, prosrc AS body ${FOUND} ORDER BY pg_trigger.oid`, schema, timeout)
  const found = new Map(rows.map((row) => [row.name, row]))
  const missing = EXPECTED.flatMap((expected) => {
    const { name } = expected
    const row = found.get(name)
    if (row === undefined) return [`the trigger ${name}`]
    return isSame(row, expected, schema) ? [] : [`the trigger ${name} as this version defines it`]
  })
  return { missing, identity: rows.map(({ identity }) => identity).join() }
}

async function ask<Row extends object> (client: ClientBase, kind: { name?: string }, text: string, schema: string, timeout: number): Promise<Row[]> {
  const statement = { ...kind, text, values: [schema, NAMES], query_timeout: timeout }
  const { rows } = await client.query<Row>(statement)
  return rows
}

function isSame (found: Definition, expected: Definition, schema: string): boolean {
  return flat(found.definition, schema) === flat(expected.definition, schema) && flat(found.body, schema) === flat(expected.body, schema)
}

/** A definition as the database writes it: the columns one by one, and what a statement may leave out. */
function spellOut (statement: string): string {
  return statement
    .replace(/\(([^()]*)\) IS DISTINCT FROM \(([^()]*)\)/, (_whole, before: string, after: string) => {
      const afterwards = after.split(', ')
      return before.split(', ').map((column, i) => `${column} IS DISTINCT FROM ${afterwards[i]}`).join(' OR ')
    })
    .replace(/^((?!FOR EACH ROW).)*(?= EXECUTE)/s, '$& FOR EACH STATEMENT')
}

/** Leaves out what may be written in one way or another: blanks, parentheses, quotes, letters' case, and the schema. */
function flat (sql: string, schema: string): string {
  const bare = (text: string) => text.replace(/[\s()"]/g, '').toLowerCase()
  return bare(sql).replaceAll(`${bare(schema)}.`, '')
}
