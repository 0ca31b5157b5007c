import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../lib/store/open.js'
import { accountsContract } from './contract/accounts.js'
import { storeContract, type PrepareDatabase } from './contract/store.js'
import { quiet } from './helpers/postgres.js'

const prepare: PrepareDatabase = async (t) => {
  const file = join(t.testdir(), 'keys.db')
  return async () => {
    const store = await openStore({ database: file, schema: undefined, migrate: true }, quiet)
    t.teardown(() => store.close())
    return store
  }
}

storeContract(t, 'SQLite', prepare)
accountsContract(t, 'SQLite', prepare)
