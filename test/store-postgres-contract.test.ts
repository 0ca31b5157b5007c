import t from 'tap'
import { openStore } from '../lib/store/open.js'
import { storeContract } from './contract/store.js'
import { freshSchema, quiet } from './helpers/postgres.js'

storeContract(t, 'PostgreSQL', async (t) => {
  const { url, schema } = await freshSchema(t)
  return async () => {
    const store = await openStore({ database: url, schema, migrate: true }, quiet)
    t.teardown(() => store.close())
    return store
  }
})
