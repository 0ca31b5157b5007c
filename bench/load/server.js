import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MEASURED, pinned } from './pin.js'

/** A server of the benchmark in its own process. */
export class Server {
  #child
  #name

  /** @param {import('node:child_process').ChildProcess} child @param {string} name @param {number} port */
  constructor (child, name, port) {
    this.#child = child
    this.#name = name
    this.port = port
  }

  /**
   * Starts a server and waits until it listens.
   *
   * @param {string} name the file in servers/
   * @param {import('../servers/serve.js').Order} order
   */
  static async start (name, order) {
    const file = fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url))
    const env = { ...process.env, NODE_ENV: 'production' }
    const child = spawn(...pinned(MEASURED, [process.execPath, file, JSON.stringify(order)]), { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const { port } = await answerOf(child, name)
    return new Server(child, name, port)
  }

  /**
   * What the process has used so far.
   *
   * @returns {Promise<{ cpu: number, rss: number }>} processor time in seconds, resident memory in bytes
   */
  async usage () {
    this.#child.send('usage')
    return await answerOf(this.#child, this.#name)
  }

  async stop () {
    if (!this.#child.connected) return
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} name
 */
async function answerOf (child, name) {
  const waiting = new AbortController()
  const { signal } = waiting
  try {
    const [answer] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => { throw new Error(`${name} ended by itself`) })
    ])
    return answer
  } finally {
    waiting.abort()
  }
}
