import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { disconnect } from './closing.js'
import { CHANNEL } from './schema.js'

/** Has a connection hear what is announced. Whether that arrives is another question: see `proveArrival`. */
export async function listen (client: Client, timeout: number): Promise<void> {
  await ask(client, `LISTEN ${CHANNEL}`, timeout)
}

/**
 * Announces something and waits for it on a connection that listens. A pooler in between may take LISTEN and answer queries, and
 * yet deliver nothing.
 *
 * @param createClient makes another connection, unconnected
 * @param timeout milliseconds within which it has to arrive, and within which each statement has to be answered
 * @throws when it does not arrive
 */
export async function proveArrival (client: Client, createClient: () => Client, timeout: number): Promise<void> {
  const proof = `proof ${randomUUID()}`
  const heard = new Promise<void>((resolve) => {
    client.on('notification', ({ payload }) => {
      if (payload === proof) resolve()
    })
  })
  await announce(createClient(), proof, timeout)
  await within(timeout, heard)
}

/** Announces something on a connection that depends neither on the one that listens nor on how busy the pool is. */
async function announce (client: Client, payload: string, timeout: number): Promise<void> {
  client.on('error', () => {})
  try {
    await client.connect()
    await ask(client, `NOTIFY ${CHANNEL}, '${payload}'`, timeout)
  } finally {
    await disconnect(client)
  }
}

function ask (client: Client, text: string, timeout: number) {
  const statement = { text, query_timeout: timeout }
  return client.query(statement)
}

async function within (time: number, heard: Promise<void>): Promise<void> {
  const timeout = new AbortController()
  const late = sleep(time, null, { signal: timeout.signal }).then(() => {
    throw new Error('notifications do not arrive; a pooler in between may keep them back')
  })
  await Promise.race([heard, late]).finally(() => timeout.abort())
}
