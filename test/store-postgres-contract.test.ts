import t from 'tap'
import { openStore } from '../lib/store/open.js'
import { storeContract } from './contract/store.js'
import { freshSchema, quiet } from './helpers/postgres.js'
import type { PrepareDatabase } from './helpers/store.js'

const prepare: PrepareDatabase = async (t) => {
  const { url, schema } = await freshSchema(t)
  return async () => {
    const store = await openStore({ database: url, schema, migrate: true }, quiet)
    t.teardown(() => store.close())
    return store
  }
}

storeContract(t, 'PostgreSQL', prepare)
