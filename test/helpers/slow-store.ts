import type { Test } from 'tap'
import { openStore } from '../../lib/store/open.js'
import type { AccessRow } from '../../lib/store/rows.js'
import type { Store } from '../../lib/store/store.js'
import { quiet } from './postgres.js'

/**
 * A real SQLite store whose look-ups answer when the test says so, as those of an engine across a network do. What is
 * found is read at once, so a look-up that waits holds what may have changed since.
 */
export async function slowStore (t: Test) {
  const store = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  const waiting: (() => void)[] = []
  const slow = {
    lookups: 0,
    /** Lets the look-ups that wait answer, the oldest first. */
    answer (count = Infinity): void {
      for (const answer of waiting.splice(0, count)) answer()
    },
    store: {
      ...store,
      findByDigest (digest: string): Promise<AccessRow | null> {
        slow.lookups++
        const row = store.findByDigest(digest)
        return new Promise((resolve) => waiting.push(() => resolve(row)))
      }
    } satisfies Store
  }
  return slow
}
