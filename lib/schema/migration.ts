/** Writes statements as Drizzle's migrations have them, whose drivers take one at a time. */
export function toMigration (statements: readonly string[]): string {
  return statements.map((statement) => `${statement};\n`).join('--> statement-breakpoint\n')
}
