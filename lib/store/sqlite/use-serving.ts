import type { MessagePort } from 'node:worker_threads'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { UnavailableError } from '../../errors.js'
import { connect } from './connecting.js'
import { guarded } from './failures.js'
import { useLogVerbs } from './use-log.js'
import { READY, type Answer, type Task } from './use-thread.js'

/**
 * Does what a `UseThread` asks for.
 *
 * @throws FST_API_KEY_CANNOT_OPEN
 */
export async function serveUses (port: MessagePort, file: string): Promise<void> {
  const client = await connect(file, { fileMustExist: true })
  // A note of a use may be lost with the power. Nobody waits for the disk, but others wait for the lock meanwhile.
  client.pragma('synchronous = NORMAL')
  client.pragma('foreign_keys = ON')
  const db = drizzle(client)
  const verbs = useLogVerbs(db, (step) => guarded(() => db.transaction(step, { behavior: 'immediate' })))

  async function perform ({ number, verb, values }: Task): Promise<Answer> {
    const act = verbs[verb] as (...values: readonly unknown[]) => Promise<unknown>
    try {
      return { number, result: await act(...values) }
    } catch (error) {
      const { name, message } = (error as Error).cause as Error
      return { number, failure: { isOutage: error instanceof UnavailableError, name, message } }
    }
  }

  port.on('message', async (task: Task) => { port.postMessage(await perform(task)) })
  port.postMessage(READY)
}
