import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'

/** An answer, and when its request was sent. */
export interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: unknown
  readonly sentAt: number
  readonly took: number
}

/** A key as the run knows it. */
export interface Key {
  readonly id: string
  readonly key: string
  readonly userId: string
}

/** One node, seen from outside. */
export class Node {
  readonly process: ChildProcess
  readonly #address: URL
  readonly #agent = new Agent({ keepAlive: true })

  private constructor (process: ChildProcess, address: string) {
    this.process = process
    this.#address = new URL(address)
  }

  static async start (database: string, schema: string): Promise<Node> {
    const child = fork(new URL('./node.ts', import.meta.url), {
      env: { ...process.env, FAULT_DATABASE: database, FAULT_SCHEMA: schema },
      execArgv: ['--import', 'tsx']
    })
    const [address] = await Promise.race([once(child, 'message'), once(child, 'exit').then(([code]) => {
      throw new Error(`a node did not start and exited with ${code}`)
    })])
    return new Node(child, String(address))
  }

  /** Asks for the route that needs a key. */
  async me (key: string): Promise<Answer> {
    return await this.#send('GET', '/me', { 'x-api-authorization': key })
  }

  async post<T> (path: string, body: unknown = {}): Promise<T> {
    const answer = await this.#send('POST', path, { 'content-type': 'application/json' }, JSON.stringify(body))
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as T
  }

  async outages (): Promise<number> {
    const { body } = await this.#send('GET', '/outages', {})
    return (body as { count: number }).count
  }

  /** Lets the node close, and gives its exit code. */
  async stop (): Promise<number | null> {
    this.#agent.destroy()
    if (this.process.exitCode !== null) return this.process.exitCode
    this.process.disconnect()
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 10_000)
    const [code] = await once(this.process, 'exit')
    clearTimeout(timer)
    return code
  }

  #send (method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sentAt = performance.now()
      const { hostname, port } = this.#address
      const sent = request({ agent: this.#agent, hostname, port, path, method, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body: JSON.parse(text),
          sentAt,
          took: performance.now() - sentAt
        })).on('error', reject)
      })
      sent.on('error', reject).end(body)
    })
  }
}

/** Requests with good keys that go to all nodes beside whatever else happens, about one in four milliseconds to each. */
export class Load {
  readonly answers = new Map<number, number>()
  unanswered = 0
  #running = true
  readonly #done: Promise<unknown>

  constructor (nodes: readonly Node[], keys: readonly Key[], each: (answer: Answer) => void = () => {}) {
    this.#done = Promise.all(nodes.map((node) => this.#send(node, keys, each)))
  }

  async stop (): Promise<void> {
    this.#running = false
    await this.#done
  }

  async #send (node: Node, keys: readonly Key[], each: (answer: Answer) => void): Promise<void> {
    const pending = new Set<Promise<void>>()
    for (let i = 0; this.#running; i++) {
      const one: Promise<void> = node.me(keys[i % keys.length]?.key ?? '').then((answer) => {
        this.answers.set(answer.status, (this.answers.get(answer.status) ?? 0) + 1)
        each(answer)
      }, () => { this.unanswered += 1 }).finally(() => pending.delete(one))
      pending.add(one)
      await new Promise((resolve) => setTimeout(resolve, 4))
    }
    await Promise.all(pending)
  }
}
