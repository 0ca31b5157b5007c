import t from 'tap'
import { openStore } from '../lib/store/open.js'
import { accountsContract } from './contract/accounts.js'
import { storeContract, type PrepareDatabase } from './contract/store.js'
import { freshSchema, quiet } from './helpers/postgres.js'

const prepare: PrepareDatabase = async (t) => {
  const { url, schema } = await freshSchema(t)
  return async () => {
    const store = await openStore({ database: url, schema, migrate: true }, quiet)
    t.teardown(() => store.close())
    return store
  }
}

storeContract(t, 'PostgreSQL', prepare)
accountsContract(t, 'PostgreSQL', prepare)
