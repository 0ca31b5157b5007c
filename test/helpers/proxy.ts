import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Tap } from './postgres.js'

/** NotificationResponse in PostgreSQL's protocol. */
const NOTIFICATION = 'A'.charCodeAt(0)

/**
 * Stands between the plugin and a server, as a network or a pooler does, and can fail as they do. It knows the connection
 * that listens by the name that it gives itself.
 */
export class Proxy {
  url = ''
  /** Keeps notifications back, as poolers do that give a connection to another client after each transaction. */
  cutsNotifications = false
  readonly #sockets = new Map<Socket, { isListener: boolean, peer: Socket }>()
  #frozen: 'none' | 'listeners' | 'all' = 'none'
  #trap: string | null = null
  /** Whether the end of a connection is kept from the other side too. */
  #isCut = false

  static async start (t: Tap, target: string): Promise<Proxy> {
    const proxy = new Proxy()
    const url = new URL(target)
    const { port, hostname } = url
    const server = createServer((socket) => proxy.#connect(socket, connect(Number(port), hostname)))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    url.port = String(address.port)
    proxy.url = url.href
    t.teardown(() => {
      server.close()
      proxy.#isCut = false
      for (const [socket, { peer }] of proxy.#sockets) {
        socket.destroy()
        peer.destroy()
      }
    })
    return proxy
  }

  /** How many connections there are, and how many of them listen. */
  get connections (): number {
    return this.#sockets.size
  }

  /** Lets nothing through any more, without a word. New connections are taken and stay silent too. */
  freeze (which: 'listeners' | 'all'): void {
    this.#frozen = which
  }

  /** Lets nothing through any more from the moment when a client sends a text, and that neither, nor that a connection ends. */
  freezeAt (text: string): void {
    this.#trap = text
  }

  get isFrozen (): boolean {
    return this.#frozen !== 'none'
  }

  thaw (): void {
    this.#frozen = 'none'
    this.#isCut = false
    for (const [socket, { peer }] of this.#sockets) {
      socket.resume()
      peer.resume()
    }
  }

  #connect (socket: Socket, peer: Socket): void {
    const pair = { isListener: false, peer }
    this.#sockets.set(socket, pair)
    const cut = new NotificationCutter()
    socket.on('data', (data) => {
      if (data.includes('(listening)')) pair.isListener = true
      if (this.#trap !== null && data.includes(this.#trap)) {
        this.#trap = null
        this.#isCut = true
        this.freeze('all')
      }
      this.#pass(pair.isListener, socket, peer, data)
    })
    peer.on('data', (data) => this.#pass(pair.isListener, peer, socket, this.cutsNotifications && pair.isListener ? cut.filter(data) : data))
    for (const [one, other] of [[socket, peer], [peer, socket]] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        if (this.#isCut) return
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }

  #pass (isListener: boolean, from: Socket, to: Socket, data: Buffer): void {
    if (this.#frozen === 'none' || (this.#frozen === 'listeners' && !isListener)) {
      to.write(data)
    } else {
      from.pause()
      from.unshift(data)
    }
  }
}

/** Takes the notifications out of what a server sends. */
class NotificationCutter {
  #rest = Buffer.alloc(0)

  filter (data: Buffer): Buffer {
    this.#rest = Buffer.concat([this.#rest, data])
    const kept: Buffer[] = []
    while (this.#rest.length >= 5) {
      const size = 1 + this.#rest.readUInt32BE(1)
      if (this.#rest.length < size) break
      if (this.#rest[0] !== NOTIFICATION) kept.push(this.#rest.subarray(0, size))
      this.#rest = this.#rest.subarray(size)
    }
    return Buffer.concat(kept)
  }
}
