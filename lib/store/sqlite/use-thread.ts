import { Worker } from 'node:worker_threads'
import { UnavailableError } from '../../errors.js'
import { StepLock } from './step-lock.js'
import { identify, perform, READY, type Answer, type FileIdentity, type Start, type Task, type ThreadVerbs } from './use-tasks.js'

/** Somebody who waits for a task. */
interface Waiting {
  readonly task: Task
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

const locks = new Set<StepLock>()

/** Lets no thread begin anything any more, before the process exits and ends them all. */
export function stopThreads (): void {
  for (const lock of locks) lock.stop()
}

// One listener for all, or many applications in one process would be taken for a leak.
process.on('exit', stopThreads)

/**
 * Has a thread with a connection of its own log and apply the uses of busy seconds, so that requests wait neither for that nor for the disk.
 * It starts when it is first needed, which is when hundreds of keys are used in a second. Until it is ready, and for good where it cannot start,
 * as from a bundle that lacks its file, or cannot tell its file, or has died, the connection of requests does the same.
 */
export class UseThread {
  readonly #file: string
  readonly #identity: FileIdentity | null
  readonly #direct: ThreadVerbs
  readonly #lock = StepLock.create()
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #state: 'new' | 'starting' | 'ready' | 'ended' | 'closed' = 'new'
  #tasks = 0

  /** @param direct does the same without a thread */
  constructor (file: string, direct: ThreadVerbs) {
    this.#file = file
    this.#identity = identify(file)
    this.#direct = direct
  }

  readonly verbs: ThreadVerbs = {
    logUses: (...values) => this.#ask<number>('logUses', values),
    replaceLogged: (...values) => this.#ask<number[] | null>('replaceLogged', values),
    applyLogged: (...values) => this.#ask<boolean>('applyLogged', values)
  }

  /** Ends the thread. What it is at is done or undone as a whole, and whoever waits for it is told that nobody knows. */
  async close (): Promise<void> {
    this.#state = 'closed'
    if (this.#worker === null) return
    this.#lock.stop()
    await this.#worker.terminate()
  }

  async #ask<T> (verb: keyof ThreadVerbs, values: readonly unknown[]): Promise<T> {
    const task = { number: this.#tasks++, verb, values }
    if (this.#state === 'closed') throw new UnavailableError({ cause: new Error('the database was closed') })
    if (this.#state === 'new') this.#start()
    const done = this.#worker !== null && this.#state === 'ready' ? this.#send(this.#worker, task) : perform(this.#direct, task)
    return await done as T
  }

  #send (worker: Worker, task: Task): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(task.number, { task, resolve, reject })
      // Who waits for an answer must not see the process end before it comes.
      worker.ref()
      worker.postMessage(task)
    })
  }

  #start (): void {
    this.#state = 'ended'
    if (this.#identity === null) return
    const workerData: Start = { file: this.#file, identity: this.#identity, shared: this.#lock.shared }
    try {
      this.#worker = new Worker(new URL('./use-thread-entry.js', import.meta.url), { workerData, name: 'fastify-apikey' })
    } catch {
      // Node may have been told to allow none.
      return
    }
    this.#state = 'starting'
    locks.add(this.#lock)
    const worker = this.#worker
    worker.on('message', (message: typeof READY | Answer) => {
      if (message !== READY) this.#answer(worker, message)
      else if (this.#state === 'starting') this.#state = 'ready'
    })
    worker.on('error', (cause) => this.#end(cause))
    worker.on('exit', () => this.#end(new Error('the thread that logs uses has ended')))
    // After the listeners, of which the first makes the process wait again.
    worker.unref()
  }

  #answer (worker: Worker, answer: Answer): void {
    const waiting = this.#waiting.get(answer.number)
    this.#waiting.delete(answer.number)
    if (this.#waiting.size === 0) worker.unref()
    // It was told that nobody knows, when the thread failed.
    if (waiting === undefined) return
    // What kept the thread may not keep the other connection, which says what is wrong if it does: this process's own long
    // transaction, which is over when this is heard, or a file that the process may not open for writing any more.
    waiting.resolve('result' in answer ? answer.result : perform(this.#direct, waiting.task))
  }

  /** What the thread has done of that for which somebody waits, nobody knows. */
  #end (cause: Error): void {
    locks.delete(this.#lock)
    this.#worker = null
    if (this.#state !== 'closed') this.#state = 'ended'
    for (const { reject } of this.#waiting.values()) reject(new UnavailableError({ cause }))
    this.#waiting.clear()
  }
}
