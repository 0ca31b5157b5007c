import { defineConfig } from 'drizzle-kit'

// `npm run generate` turns a change of the schema into a migration in drizzle/sqlite.
export default defineConfig({
  dialect: 'sqlite',
  schema: './lib/store/sqlite/schema.ts',
  out: './drizzle/sqlite'
})
