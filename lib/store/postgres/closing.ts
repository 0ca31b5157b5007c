import { once } from 'node:events'
import type { Client, Pool, PoolClient } from 'pg'

/** How long a server may take to let a connection go, in milliseconds. */
const PATIENCE = 500

/** The same where it is still at work for somebody. */
const PATIENCE_AT_WORK = 1000

/** Takes leave of the server, and hangs up on one that does not answer. */
export async function disconnect (client: Client): Promise<void> {
  const timer = setTimeout(() => hangUp(client), PATIENCE)
  await client.end().catch(() => {})
  clearTimeout(timer)
}

/**
 * Makes the function that closes a new pool and resolves when its last connection is gone, which is later than the pool
 * says it has ended.
 */
export function closer (pool: Pool): () => Promise<void> {
  const clients = new Set<PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  return async () => {
    if (pool.ending) return
    const hangUpAfter = (time: number) => setTimeout(() => clients.forEach(hangUp), time)
    let timer = hangUpAfter(PATIENCE_AT_WORK)
    await pool.end()
    clearTimeout(timer)
    timer = hangUpAfter(PATIENCE)
    while (clients.size > 0) await once(pool, 'remove')
    clearTimeout(timer)
  }
}

function hangUp (client: Client): void {
  client.connection.stream.destroy()
}

/** Hears of a connection that broke. Unheard, that would end the process; whoever needs the connection finds out. */
export function ignore (): void {}
