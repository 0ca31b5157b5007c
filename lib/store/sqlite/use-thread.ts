import { Worker } from 'node:worker_threads'
import { InternalError, UnavailableError } from '../../errors.js'
import type { Store } from '../store.js'

/** What a thread does for a store. */
export type ThreadVerbs = Pick<Store, 'logUses' | 'replaceLogged' | 'applyLogged'>

/** What it is asked for. */
export interface Task {
  readonly number: number
  readonly verb: keyof ThreadVerbs
  readonly values: readonly unknown[]
}

/** What became of a task. An error is told by what it is made of, since it loses its class on the way. */
export type Answer =
  | { readonly number: number, readonly result: unknown }
  | { readonly number: number, readonly failure: { readonly isOutage: boolean, readonly name: string, readonly message: string } }

/** What a thread says first, once it has opened the database. */
export const READY = 'ready'

/** Somebody who waits for a task. */
interface Waiting {
  readonly task: Task
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * Has a thread with a connection of its own log and apply the uses of busy seconds, so that requests wait neither for that nor for the disk.
 * It starts when it is first needed, which is when hundreds of keys are used in a second. Where none can start, as from a bundle that lacks
 * its file, the connection of requests does it instead.
 */
export class UseThread {
  readonly #file: string
  readonly #direct: ThreadVerbs
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #isReady = false
  #canStart = true
  #tasks = 0

  /** @param direct does the same without a thread */
  constructor (file: string, direct: ThreadVerbs) {
    this.#file = file
    this.#direct = direct
  }

  readonly verbs: ThreadVerbs = {
    logUses: (...values) => this.#ask<number>('logUses', values),
    replaceLogged: (...values) => this.#ask<number[] | null>('replaceLogged', values),
    applyLogged: (...values) => this.#ask<boolean>('applyLogged', values)
  }

  /** Ends the thread. What it is at is done or undone as a whole, and whoever waits for it is told that nobody knows. */
  async close (): Promise<void> {
    this.#canStart = false
    await this.#worker?.terminate()
  }

  #ask<T> (verb: keyof ThreadVerbs, values: readonly unknown[]): Promise<T> {
    const task: Task = { number: this.#tasks++, verb, values }
    const worker = this.#worker ?? this.#start()
    const done = worker === null ? this.#doHere(task) : this.#send(worker, task)
    return done as Promise<T>
  }

  #send (worker: Worker, task: Task): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(task.number, { task, resolve, reject })
      // Who waits for an answer must not see the process end before it comes.
      worker.ref()
      worker.postMessage(task)
    })
  }

  #doHere ({ verb, values }: Task): Promise<unknown> {
    const act = this.#direct[verb] as (...values: readonly unknown[]) => Promise<unknown>
    return act(...values)
  }

  /** Null where there can be no thread. */
  #start (): Worker | null {
    if (!this.#canStart) return null
    try {
      this.#worker = this.#open()
    } catch {
      // Node may have been told to allow none.
      this.#canStart = false
    }
    return this.#worker
  }

  #open (): Worker {
    const worker = new Worker(new URL('./use-thread-entry.js', import.meta.url), { workerData: this.#file, name: 'fastify-apikey' })
    const end = (cause: Error): void => { if (this.#worker === worker) this.#end(cause) }
    worker.on('message', (message: typeof READY | Answer) => {
      if (message === READY) this.#isReady = true
      else this.#answer(worker, message)
    })
    worker.on('error', end)
    worker.on('exit', () => end(new Error('the thread that logs uses has ended')))
    return worker
  }

  #answer (worker: Worker, answer: Answer): void {
    const waiting = this.#waiting.get(answer.number)
    this.#waiting.delete(answer.number)
    if (this.#waiting.size === 0) worker.unref()
    if ('result' in answer) return waiting?.resolve(answer.result)
    const { isOutage, name, message } = answer.failure
    const cause = Object.assign(new Error(message), { name })
    waiting?.reject(isOutage ? new UnavailableError({ cause }) : new InternalError({ cause }))
  }

  /** One that never was ready has done nothing, and neither would the next. What another one has done nobody knows. */
  #end (cause: Error): void {
    const left = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#worker = null
    for (const { task, resolve, reject } of left) {
      if (this.#isReady) reject(new UnavailableError({ cause }))
      else resolve(this.#doHere(task))
    }
    this.#canStart &&= this.#isReady
    this.#isReady = false
  }
}
