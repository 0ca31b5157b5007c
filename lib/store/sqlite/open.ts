import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { OpenError, SchemaError } from '../../errors.js'
import type { Store } from '../store.js'
import { connect, reasonOf } from './connecting.js'
import type { SqliteDatabase, Write } from './database.js'
import { guarded, isBusy } from './failures.js'
import { generationVerb } from './generation.js'
import { historyVerb } from './history.js'
import { insertVerb } from './inserting.js'
import { keyVerbs } from './keys.js'
import { listingVerbs } from './listing.js'
import { lookUpIn } from './look-up.js'
import { checkSchema, migrate } from './migrate.js'
import { profileVerbs } from './profiles.js'
import { pruneVerb } from './pruning.js'
import { quotaVerb } from './quota.js'
import { usageVerbs } from './usage.js'
import { useLogVerbs } from './use-log.js'
import { UseThread } from './use-thread.js'
import { useVerbs } from './uses.js'
import { withoutWaiting } from './waiting.js'

/**
 * SQLite does not wait by itself while another process turns on the write-ahead log, so start-up tries again, for so many
 * milliseconds. Together with the last try's own wait that stays below the 10 s that Fastify gives a plugin.
 */
const PATIENCE = 4500
const PAUSE = 50

/**
 * Opens a SQLite store.
 *
 * @param source a path, `':memory:'`, or a connection that the application opened and will close
 * @param migrates whether to bring the tables up to date, or only to check them
 * @throws FST_API_KEY_CANNOT_OPEN naming the file and the reason
 * @throws FST_API_KEY_SCHEMA_MISSING when the tables are to be there and are not
 * @throws FST_API_KEY_DRIVER_MISSING when better-sqlite3 is not installed
 */
export async function openSqliteStore (source: string | Database, migrates: boolean): Promise<Store> {
  const owned = typeof source === 'string'
  const client = owned ? await connect(source) : withNumbers(source)
  try {
    const { drizzle } = await import('drizzle-orm/better-sqlite3')
    const db = drizzle(client)
    await retryWhileBusy(() => {
      if (owned) configure(client)
      if (migrates) migrate(db)
      else checkSchema(db)
    })
    return createStore(db, owned)
  } catch (error) {
    if (owned) client.close()
    throw error instanceof SchemaError ? error : new OpenError(client.name, reasonOf(error))
  }
}

function createStore (db: SqliteDatabase, owned: boolean): Store {
  const { generation, forget } = generationVerb(db)
  const transact: Write = (step) => {
    // What this process changes must be seen by its very next request.
    forget()
    return db.transaction(step, { behavior: 'immediate' })
  }
  const write: Write = (step) => guarded(() => transact(step))
  const writeUses: Write = owned ? withoutWaiting(db.$client, transact) : write
  const logging = useLogVerbs(db, writeUses)
  const lookUp = lookUpIn(db)
  // A database in memory is that of its connection alone.
  const thread = owned && !db.$client.memory ? new UseThread(db.$client.name, logging) : null
  return {
    // What is read within the application's own transaction may be rolled back, and the generation with it.
    generation: owned ? generation : (now) => db.$client.inTransaction ? null : generation(now),
    // The generation counts every change.
    watch () {},
    ...keyVerbs(db, write, lookUp),
    ...listingVerbs(db),
    ...insertVerb(db, write, lookUp),
    ...profileVerbs(db, write),
    ...pruneVerb(db, write),
    ...quotaVerb(db, writeUses),
    ...usageVerbs(db, writeUses),
    ...historyVerb(db),
    ...useVerbs(db, writeUses),
    ...logging,
    ...thread?.verbs,
    isOpen: () => db.$client.open,
    async close () {
      await thread?.close()
      if (owned) db.$client.close()
    }
  }
}

/** The application's connection, giving numbers as numbers even where the application prefers to see BigInts. */
function withNumbers (client: Database): Database {
  return Object.create(client, { prepare: { value: (source: string) => client.prepare(source).safeIntegers(false) } })
}

function configure (client: Database): void {
  client.pragma('journal_mode = WAL')
  // The driver is built to wait less than that in WAL mode, and a power failure could bring a revoked key back.
  client.pragma('synchronous = FULL')
  client.pragma('foreign_keys = ON')
}

async function retryWhileBusy (step: () => void): Promise<void> {
  const end = performance.now() + PATIENCE
  for (;;) {
    try {
      return step()
    } catch (error) {
      if (performance.now() > end || !isBusy(error)) throw error
      await sleep(PAUSE)
    }
  }
}
