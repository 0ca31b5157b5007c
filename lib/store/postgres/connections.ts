import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Pool, PoolClient } from 'pg'
import { UnavailableError } from '../../errors.js'
import { ignore } from './closing.js'
import type { PostgresDatabase } from './database.js'
import { codeOf, isCollision, isHarmless, Refused, toCause, toStoreError } from './failures.js'
import { createRun, query, type Run } from './statements.js'

/** How long a statement waits for a connection, in milliseconds. */
const CONNECT_TIMEOUT = 1000

/** How long the database may take for a statement by itself, and for one that belongs to a change, in milliseconds. */
const LOOKUP_TIMEOUT = 1500
const CHANGE_TIMEOUT = 5000

/** How many steps may wait or run at once until look-ups, and until changes, are refused: waiting would only take memory. */
const MAX_LOOKUPS = 1000
const MAX_CHANGES = 2000

/** How often a change is tried that collides with others. */
const ATTEMPTS = 4

/** A statement of this name is there already, and one is not there any more: what a pooler makes of prepared statements. */
const TWICE = '42P05'
const GONE = '26000'

/** What becomes of the statements that are prepared. */
export interface ConnectionLog {
  /** A pooler in between does not keep them, so none are prepared any more. */
  preparingFailed (error: unknown): void
}

/** The same for a pool of ours, where the server too is told to give up. */
export const POOL_TIMEOUTS = { connectionTimeoutMillis: CONNECT_TIMEOUT, statement_timeout: LOOKUP_TIMEOUT }

/**
 * Runs statements on the connections of a pool, whoever's it is, such that each is prepared once on each connection,
 * none waits for long, and not too many wait.
 */
export class Connections {
  /** Runs each statement by itself. */
  readonly db: PostgresDatabase
  /** The same for statements that change something, which look-ups must not crowd out. */
  readonly changes: PostgresDatabase
  readonly #pool: Pool
  readonly #log: ConnectionLog
  readonly #toPrimary = new WeakSet<PoolClient>()
  #prepares = true
  #underway = 0

  constructor (pool: Pool, log: ConnectionLog) {
    this.#pool = pool
    this.#log = log
    this.db = drizzle((text, values, method) => this.#run(MAX_LOOKUPS, (_client, run) => run(text, values, method, LOOKUP_TIMEOUT)))
    this.changes = drizzle((text, values, method) => this.#change((_client, run) => run(text, values, method, CHANGE_TIMEOUT)))
  }

  /** Runs a step as one transaction on one connection, and turns what it throws into an error of ours. */
  readonly transaction = async <T> (step: (db: PostgresDatabase) => Promise<T>): Promise<T> => {
    try {
      return await this.#change((client, run) => transact(client, run, step))
    } catch (error) {
      throw error instanceof Refused ? error : toStoreError(error)
    }
  }

  /** Runs a step that either happens as a whole or not at all, and again when it collides with another. */
  async #change<T> (step: (client: PoolClient, run: Run) => Promise<T>, attempts = ATTEMPTS): Promise<T> {
    try {
      return await this.#run(MAX_CHANGES, step)
    } catch (error) {
      if (attempts === 1 || !isCollision(error)) throw error
      return await this.#change(step, attempts - 1)
    }
  }

  /**
   * Runs a step with prepared statements, or again without them where a connection has lost them or has them from somebody
   * else, as a pooler's may. Neither error comes after a statement has done anything that stays.
   */
  async #run<T> (max: number, step: (client: PoolClient, run: Run) => Promise<T>): Promise<T> {
    const attempt = (isPrepared: boolean) => this.#checkedOut(max, (client) => step(client, createRun(client, isPrepared)))
    if (!this.#prepares) return await attempt(false)
    try {
      return await attempt(true)
    } catch (error) {
      const code = codeOf(error)
      if (code !== TWICE && code !== GONE) throw error
      if (code === TWICE && this.#prepares) {
        this.#prepares = false
        this.#log.preparingFailed(toCause(error))
      }
      return await attempt(false)
    }
  }

  async #checkedOut<T> (max: number, step: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#underway >= max) throw new UnavailableError({ cause: new Error(`${max} steps wait for the database already`) })
    this.#underway += 1
    try {
      return await withClient(await this.#checkOut(), async (client) => {
        if (!this.#toPrimary.has(client)) await this.#refuseStandby(client)
        return await step(client)
      })
    } finally {
      this.#underway -= 1
    }
  }

  /**
   * Asks a new connection where it leads: after a failover the same address may be that of a standby, which still calls
   * keys good that were revoked. None becomes a standby while connections to it last, so once is enough.
   */
  async #refuseStandby (client: PoolClient): Promise<void> {
    const { rows: [row] } = await query(client, { text: 'SELECT pg_is_in_recovery() AS standby' }, LOOKUP_TIMEOUT)
    if (row?.standby !== false) throw new Error('the database is a read-only standby now')
    this.#toPrimary.add(client)
  }

  /**
   * Gets a connection in time, also from a pool that sets itself no limit. One that comes too late goes back, and until
   * then counts as waited for, since the pool goes on waiting.
   */
  #checkOut (): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        this.#underway += 1
        reject(new Error('no connection in time'))
      }, CONNECT_TIMEOUT)
      const settled = () => {
        clearTimeout(timer)
        if (isLate) this.#underway -= 1
      }
      this.#pool.connect().then((client) => {
        settled()
        if (isLate) client.release()
        else resolve(client)
      }, (error: unknown) => {
        settled()
        reject(error)
      })
    })
  }
}

/** Runs a step for which no error is one of the driver's. */
export async function guarded<T> (step: () => PromiseLike<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw toStoreError(error)
  }
}

async function withClient<T> (client: PoolClient, step: (client: PoolClient) => Promise<T>): Promise<T> {
  // A connection that breaks says so by an event, besides failing its statement; unheard, that would end the process.
  client.on('error', ignore)
  const giveBack = (isGood: boolean) => {
    client.off('error', ignore)
    client.release(!isGood)
  }
  return await step(client).then((result) => {
    giveBack(true)
    return result
  }, (error: unknown) => {
    giveBack(isHarmless(error))
    throw error
  })
}

async function transact<T> (client: PoolClient, run: Run, step: (db: PostgresDatabase) => Promise<T>): Promise<T> {
  try {
    // The counting of keys relies on each statement seeing what was committed before it. Others wait for what is locked here, so a
    // process that is frozen, or cut off, must not keep it.
    await query(client, { text: `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = ${CHANGE_TIMEOUT}; SET LOCAL idle_in_transaction_session_timeout = ${CHANGE_TIMEOUT}` }, CHANGE_TIMEOUT)
    const result = await step(drizzle((text, values, method) => run(text, values, method, CHANGE_TIMEOUT)))
    await query(client, { text: 'COMMIT' }, CHANGE_TIMEOUT)
    return result
  } catch (error) {
    if (isHarmless(error)) await query(client, { text: 'ROLLBACK' }, CHANGE_TIMEOUT)
    throw error
  }
}
