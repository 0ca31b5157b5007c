import type { Client, Pool } from 'pg'
import { MigrationError, OpenError, SchemaError } from '../../errors.js'
import type { Change, Store } from '../store.js'
import { closer, ignore } from './closing.js'
import { describePostgres, listenerConfig, loadDriver, poolConfig } from './connecting.js'
import { Connections } from './connections.js'
import { tablesIn, type Context } from './database.js'
import { reasonOf } from './failures.js'
import { historyVerb } from './history.js'
import { insertVerb } from './inserting.js'
import { keyVerbs } from './keys.js'
import { listingVerbs } from './listing.js'
import { Listener, type ListenerLog } from './listening.js'
import { checkSchema, migrate } from './migrate.js'
import { profileVerbs } from './profiles.js'
import { pruneVerb } from './pruning.js'
import { quotaVerb } from './quota.js'
import { usageVerbs } from './usage.js'
import { useLogVerbs } from './use-log.js'
import { useVerbs } from './uses.js'

/** How a PostgreSQL store is opened. */
export interface PostgresSettings {
  /** Whether to bring the tables up to date, or only to check them. */
  readonly migrates: boolean
  /** The PostgreSQL schema of the tables; undefined for the one that the connection makes tables in. */
  readonly schema: string | undefined
  readonly log: ListenerLog
}

/**
 * Opens a PostgreSQL store.
 *
 * @param source a URL, or a pool that the application made and will close
 * @throws FST_API_KEY_CANNOT_OPEN naming the database and the reason
 * @throws FST_API_KEY_CANNOT_MIGRATE with the SQL that helps, when the role may not make the tables
 * @throws FST_API_KEY_SCHEMA_MISSING when the tables are to be there and are not
 * @throws FST_API_KEY_DRIVER_MISSING when pg is not installed
 */
export async function openPostgresStore (source: string | Pool, settings: PostgresSettings): Promise<Store> {
  const driver = await loadDriver()
  const pool = typeof source === 'string' ? new driver.Pool(poolConfig(source)) : source
  // Also on a pool of the application's, since the connections that break may be those that were made for us.
  pool.on('error', ignore)
  const end = pool === source ? null : closer(pool)
  const close = async () => {
    await end?.()
    pool.off('error', ignore)
  }
  try {
    const schema = await prepare(pool, settings)
    return await createStore(pool, schema, settings.log, () => new driver.Client(listenerConfig(pool)), close)
  } catch (error) {
    await close()
    const isOurs = error instanceof SchemaError || error instanceof MigrationError
    throw isOurs ? error : new OpenError(describePostgres(source), reasonOf(error))
  }
}

async function prepare (pool: Pool, { migrates, schema }: PostgresSettings): Promise<string> {
  const client = await pool.connect()
  client.on('error', ignore)
  let isGood = false
  try {
    const { rows: [found] } = await client.query('SELECT current_schema() AS schema, pg_is_in_recovery() AS standby')
    if (found.standby) throw new Error('it is a read-only standby, and keys are looked up on the primary')
    const name: unknown = schema ?? found.schema
    if (typeof name !== 'string') throw new Error('none of the schemas in the search path exists; set the option schema')
    await (migrates ? migrate(client, name) : checkSchema(client, name))
    isGood = true
    return name
  } finally {
    client.off('error', ignore)
    client.release(!isGood)
  }
}

async function createStore (
  pool: Pool, schema: string, log: ListenerLog, createClient: () => Client, close: () => Promise<void>
): Promise<Store> {
  const { db, changes, transaction } = new Connections(pool, log)
  const watchers: ((change: Change) => void)[] = []
  const tell = (change: Change) => { for (const watcher of watchers) watcher(change) }
  const listener = new Listener({ createClient, schema, log, tell })
  const context: Context = { tables: tablesIn(schema), db, changes, transaction, tell }
  await listener.start()
  return {
    generation: listener.generation,
    watch (watcher) {
      watchers.push(watcher)
    },
    ...keyVerbs(context),
    ...listingVerbs(context),
    ...insertVerb(context),
    ...profileVerbs(context),
    ...pruneVerb(context),
    ...quotaVerb(context),
    ...usageVerbs(context),
    ...historyVerb(context),
    ...useVerbs(context),
    ...useLogVerbs(context),
    // An own pool may be of a version that does not tell.
    isOpen: () => !(pool.ending || pool.ended),
    async close () {
      await Promise.all([listener.close(), close()])
    }
  }
}
