import { setTimeout as sleep } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { UnavailableError } from '../../errors.js'
import { connect } from './connecting.js'
import { guarded } from './failures.js'
import { StepLock } from './step-lock.js'
import { useLogVerbs } from './use-log.js'
import { perform, READY, wasBusy, type Answer, type Failure, type Start, type Task } from './use-tasks.js'

/** How long a task waits for other writes, and how long between two attempts, in milliseconds. */
const PATIENCE = 1000
const PAUSE = 10

/**
 * Does what a `UseThread` asks for.
 *
 * @throws FST_API_KEY_CANNOT_OPEN
 */
export async function serveUses (port: MessagePort, { file, shared }: Start): Promise<void> {
  const lock = new StepLock(shared)
  // It waits for other writes by itself, since a wait of the driver's could not be ended.
  const client = await connect(file, { fileMustExist: true, timeout: 0 })
  // A note of a use may be lost with the power, and to wait for the disk would keep the lock from others.
  client.pragma('synchronous = NORMAL')
  client.pragma('foreign_keys = ON')
  const db = drizzle(client)
  const verbs = useLogVerbs(db, (step) => guarded(() => db.transaction(step, { behavior: 'immediate' })))

  /** Null when the thread is about to be ended. */
  async function attempt (task: Task): Promise<Answer | null> {
    if (!lock.enter()) return null
    const { number } = task
    const answer = await perform(verbs, task).then((result) => ({ number, result }), (error: Error) => ({ number, failure: toFailure(error) }))
    lock.leave()
    return answer
  }

  port.on('message', async (task: Task) => {
    const end = performance.now() + PATIENCE
    let answer = await attempt(task)
    while (answer !== null && wasBusy(answer) && performance.now() < end) {
      await sleep(PAUSE)
      answer = await attempt(task)
    }
    if (answer !== null) port.postMessage(answer)
  })
  port.postMessage(READY)
}

function toFailure (error: Error): Failure {
  const { name, message } = error.cause as Error
  return { isOutage: error instanceof UnavailableError, name, message }
}
