import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Notification } from 'pg'
import type { Change, Store } from '../store.js'
import { findAnnouncers, identifyAnnouncers } from './announcers.js'
import { listen, proveArrival } from './arrival.js'
import { disconnect } from './closing.js'
import type { ConnectionLog } from './connections.js'
import { toCause } from './failures.js'

/**
 * How long the cache may be relied on after a query was sent that the listening connection has answered, in milliseconds.
 * With the look-up that then takes its place, it is within the second that is promised.
 */
const TRUSTED = 900

/** How often such a query is sent. */
const INTERVAL = 250

/** How long a try to listen again may wait at most after the one before. */
const MAX_PAUSE = 500
const MIN_PAUSE = 50

/** What becomes of the connections; each outage is told once. */
export interface ListenerLog extends ConnectionLog {
  /** Changes by other nodes are not heard, so every key is looked up in the database. */
  listeningFailed (error: unknown): void
  /** They are heard again, after so many milliseconds. */
  listeningAgain (after: number): void
}

/** What a listener needs of its surroundings. */
export interface ListenerSettings {
  /** Makes a connection that is used for nothing else, unconnected. */
  readonly createClient: () => Client
  /** The PostgreSQL schema whose changes count. */
  readonly schema: string
  readonly log: ListenerLog
  /** Told of each change that the database announces. */
  readonly tell: (change: Change) => void
}

/**
 * Hears what the triggers announce, on a connection of its own, and says whether the cache may be used. It may while the
 * connection has answered a query that was sent within the last second: one that went silent without closing delivers
 * nothing and says nothing. The query is for the triggers, without which nothing is announced either. Judged by the clock at each use, since a timer comes late when the process is busy.
 */
export class Listener {
  readonly #settings: ListenerSettings
  readonly #stop = new AbortController()
  #generation = 0
  #provenAt = -Infinity
  #running: Promise<void> = Promise.resolve()
  #lostAt: number | null = null

  constructor (settings: ListenerSettings) {
    this.#settings = settings
  }

  readonly generation: Store['generation'] = () => {
    return performance.now() - this.#provenAt < TRUSTED ? this.#generation : null
  }

  /** Starts to listen, and resolves when the first try has succeeded or failed. Never rejects. */
  start (): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#run(resolve)
    })
  }

  /** Closes the connection and stops. */
  async close (): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run (tried: () => void): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      await this.#listen(() => {
        failures = 0
        tried()
      }).catch((error: unknown) => this.#report(error))
      tried()
      const pause = Math.min(MAX_PAUSE, MIN_PAUSE * 2 ** failures)
      // Nodes that lost the database together must not come back together.
      await this.#sleep(pause * (0.5 + Math.random() / 2))
    }
  }

  /** Listens on one connection for as long as it answers. */
  async #listen (listening: () => void): Promise<never> {
    const client = this.#settings.createClient()
    const over = new AbortController()
    const broken = new Promise<never>((_resolve, reject) => {
      const end = (reason: unknown) => {
        // At once, and not when the connection has been cleared away.
        this.#provenAt = -Infinity
        over.abort()
        reject(reason)
      }
      client.on('error', end)
      client.on('end', () => end(new Error('the connection was closed')))
      this.#stop.signal.addEventListener('abort', () => end(this.#stop.signal.reason), { signal: over.signal })
    })
    // It counts only while something waits for it.
    broken.catch(() => {})
    try {
      return await Promise.race([broken, this.#converse(client, over.signal, listening)])
    } finally {
      this.#provenAt = -Infinity
      over.abort()
      await disconnect(client)
    }
  }

  async #converse (client: Client, over: AbortSignal, listening: () => void): Promise<never> {
    await client.connect()
    client.on('notification', (notification) => this.#receive(notification))
    await listen(client, TRUSTED)
    const sentAt = performance.now()
    let announcers = await this.#findAnnouncers(client)
    await proveArrival(client, this.#settings.createClient, TRUSTED)
    // What was cached before may have been changed unheard.
    this.#generation += 1
    this.#trust(sentAt, over)
    listening()
    this.#reportRecovery()
    for (;;) {
      await this.#sleep(INTERVAL)
      const sentAt = performance.now()
      if (await identifyAnnouncers(client, this.#settings.schema, TRUSTED) !== announcers) {
        announcers = await this.#findAnnouncers(client)
        // Tables that were dropped and restored announce nothing of what is different now.
        this.#generation += 1
      }
      this.#trust(sentAt, over)
    }
  }

  /** What tells the triggers from others of their names. Fails when one is missing or does something else, since then not all is announced. */
  async #findAnnouncers (client: Client): Promise<string> {
    const { missing, identity } = await findAnnouncers(client, this.#settings.schema, TRUSTED)
    if (missing.length > 0) throw new Error(`the database lacks ${missing.join(', ')}`)
    return identity
  }

  /** Notes that an answer came to what was sent then, unless the connection has broken in the meantime. */
  #trust (sentAt: number, over: AbortSignal): void {
    over.throwIfAborted()
    this.#provenAt = sentAt
  }

  /** What is announced for other schemas, or to prove that it arrives, is not for this listener. */
  #receive ({ payload = '' }: Notification): void {
    const [, kind, value, schema] = /^(\w+) (\S+) (.*)$/s.exec(payload) ?? []
    if (schema !== this.#settings.schema || value === undefined) return
    if (kind === 'key') this.#settings.tell({ digest: Buffer.from(value, 'hex').toString('latin1') })
    else if (kind === 'profile') this.#settings.tell({ profileId: Number(value) })
    else this.#generation += 1
  }

  #report (error: unknown): void {
    if (this.#lostAt !== null || this.#stop.signal.aborted) return
    this.#lostAt = performance.now()
    this.#settings.log.listeningFailed(toCause(error))
  }

  #reportRecovery (): void {
    if (this.#lostAt === null) return
    this.#settings.log.listeningAgain(Math.round(performance.now() - this.#lostAt))
    this.#lostAt = null
  }

  async #sleep (time: number): Promise<void> {
    await sleep(time, null, { signal: this.#stop.signal, ref: false }).catch(() => {})
  }
}
