import { hash } from 'node:crypto'
import type { PoolClient } from 'pg'

/** How much longer this side waits, for a server that is not there to give up by itself. */
const MARGIN = 500

/** Runs the statements of a step, each prepared once on its connection, or anew each time. */
export type Run = (text: string, values: unknown[], method: string, timeout: number) => Promise<{ rows: unknown[] }>

/** Makes what runs the statements of a step on a connection. */
export function createRun (client: PoolClient, isPrepared: boolean): Run {
  return async (text, values, method, timeout) => {
    const { rows } = await query(client, { text, values, ...(isPrepared && { name: nameOf(text) }), ...(method === 'all' && { rowMode: 'array' }) }, timeout)
    return { rows }
  }
}

/** Runs one statement, which this side gives up a little later than the server is to. */
export function query (client: PoolClient, statement: { text: string, name?: string, values?: unknown[] }, timeout: number) {
  const bounded = { ...statement, query_timeout: timeout + MARGIN }
  return client.query(bounded)
}

const names = new Map<string, string>()

/** A name for a prepared statement that follows from its text, so that it fits into any pool. There are few texts. */
function nameOf (text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `api_key_${hash('sha256', text, 'hex').slice(0, 24)}`
    names.set(text, name)
  }
  return name
}
