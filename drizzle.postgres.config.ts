import { defineConfig } from 'drizzle-kit'

// As drizzle.config.ts, for PostgreSQL: drizzle-kit takes one engine at a time.
export default defineConfig({
  dialect: 'postgresql',
  schema: './lib/store/postgres/schema.ts',
  out: './drizzle/postgres'
})
