import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../lib/store/open.js'
import { storeContract } from './contract/store.js'
import { quiet } from './helpers/postgres.js'
import type { PrepareDatabase } from './helpers/store.js'

const prepare: PrepareDatabase = async (t) => {
  const file = join(t.testdir(), 'keys.db')
  return async () => {
    const store = await openStore({ database: file, schema: undefined, migrate: true }, quiet)
    t.teardown(() => store.close())
    return store
  }
}

storeContract(t, 'SQLite', prepare)
