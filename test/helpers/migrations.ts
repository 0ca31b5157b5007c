import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './readme.js'

type Engine = 'sqlite' | 'postgres'

/** The statements of an engine's migrations with this in their names, in the order in which they are applied. */
export function statements (engine: Engine, name: string): string[] {
  const folder = join(ROOT, 'drizzle', engine)
  return readdirSync(folder).filter((file) => file.endsWith('.sql') && file.includes(name)).toSorted()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('--> statement-breakpoint'))
    .map((statement) => statement.trim().replace(/;$/, ''))
}

/** How many migrations an engine has. */
export function countMigrations (engine: Engine): number {
  return readdirSync(join(ROOT, 'drizzle', engine)).filter((file) => file.endsWith('.sql')).length
}

/** What is left of the migrations with triggers when all are applied: of what was made twice, the last. Sorted. */
export function triggersLeft (engine: Engine): string[] {
  const left = new Map<string, string>()
  for (const statement of statements(engine, 'triggers')) {
    const [, verb, what] = /^(CREATE|DROP)(?: OR REPLACE)? ((?:FUNCTION|TRIGGER) \w+)/.exec(statement) ?? []
    if (verb === 'DROP') left.delete(String(what))
    else left.set(what ?? statement, statement.replace('CREATE OR REPLACE', 'CREATE'))
  }
  return [...left.values()].toSorted()
}
