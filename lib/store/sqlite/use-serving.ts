import { setTimeout as sleep } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { OpenError } from '../../errors.js'
import { connect } from './connecting.js'
import { isBusy } from './failures.js'
import { StepLock } from './step-lock.js'
import { useLogVerbs } from './use-log.js'
import { identify, perform, READY, type Answer, type Start, type Task } from './use-tasks.js'

/** How long a task waits for other writes, and how long between two attempts, in milliseconds. */
const PATIENCE = 1000
const PAUSE = 10

/**
 * Does what a `UseThread` asks for.
 *
 * @throws FST_API_KEY_CANNOT_OPEN, also when there is another file now
 */
export async function serveUses (port: MessagePort, { file, identity, shared }: Start): Promise<void> {
  const lock = new StepLock(shared)
  // It waits for other writes by itself, since a wait of the driver's could not be ended.
  const client = await connect(file, { fileMustExist: true, timeout: 0 })
  const found = identify(file)
  if (found?.dev !== identity.dev || found.ino !== identity.ino) throw new OpenError(file, 'another file has taken its place')
  // A note of a use may be lost with the power, and to wait for the disk would keep the lock from others.
  client.pragma('synchronous = NORMAL')
  client.pragma('foreign_keys = ON')
  const db = drizzle(client)
  const verbs = useLogVerbs(db, (step) => db.transaction(step, { behavior: 'immediate' }))

  /** Null when the thread is about to be ended. */
  async function answer (task: Task): Promise<Answer | null> {
    const { number } = task
    for (const end = performance.now() + PATIENCE; lock.enter(); await sleep(PAUSE)) {
      const outcome = await perform(verbs, task).then((result) => ({ result }), (error: unknown) => ({ error }))
      lock.leave()
      if ('result' in outcome) return { number, result: outcome.result }
      if (!isBusy(outcome.error) || performance.now() >= end) return { number, hasFailed: true }
    }
    return null
  }

  port.on('message', async (task: Task) => {
    const done = await answer(task)
    if (done !== null) port.postMessage(done)
  })
  port.postMessage(READY)
}
