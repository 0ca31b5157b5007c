import type { Test } from 'tap'
import type { PrepareDatabase, StoreTest } from '../helpers/store.js'
import { changesContract } from './changes.js'
import { historyContract } from './history.js'
import { keysContract } from './keys.js'
import { limitsContract } from './limits.js'
import { newKeysContract } from './new-keys.js'
import { profilesContract } from './profiles.js'
import { quotaContract } from './quota.js'
import { usageContract } from './usage.js'
import { useLogContract } from './use-log.js'
import { usesContract } from './uses.js'
import { verbsContract } from './verbs.js'

const contracts = [
  keysContract, newKeysContract, limitsContract, changesContract, profilesContract, usesContract, useLogContract, quotaContract, usageContract, historyContract,
  verbsContract
]

/** What every store must do, whatever its engine. */
export function storeContract (t: Test, engine: string, prepare: PrepareDatabase): void {
  const test: StoreTest = (title, run) => {
    t.test(`${engine}: ${title}`, async (t) => {
      const connect = await prepare(t)
      await run(t, await connect(), connect)
    })
  }
  for (const contract of contracts) contract(test)
}
