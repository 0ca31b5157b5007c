import type { Store } from '../store.js'

/* What a `UseThread` and its thread say to each other. */

/** What a thread does for a store. */
export type ThreadVerbs = Pick<Store, 'logUses' | 'replaceLogged' | 'applyLogged'>

/** What a thread is given when it starts. */
export interface Start {
  /** Of the database. */
  readonly file: string
  /** Of the `StepLock`. */
  readonly shared: SharedArrayBuffer
}

/** What a thread says first, once it has opened the database. */
export const READY = 'ready'

/** What it is asked for. */
export interface Task {
  readonly number: number
  readonly verb: keyof ThreadVerbs
  readonly values: readonly unknown[]
}

/** What became of a task. */
export type Answer =
  | { readonly number: number, readonly result: unknown }
  | { readonly number: number, readonly failure: Failure }

/** What an error of ours is made of, since it loses its class on the way. */
export interface Failure {
  readonly isOutage: boolean
  readonly name: string
  readonly message: string
}

/** Does a task. */
export function perform (verbs: ThreadVerbs, { verb, values }: Omit<Task, 'number'>): Promise<unknown> {
  const act = verbs[verb] as (...values: readonly unknown[]) => Promise<unknown>
  return act(...values)
}

/** Whether nothing was done because another connection was writing. */
export function wasBusy (answer: Answer): boolean {
  return 'failure' in answer && answer.failure.name.startsWith('SQLITE_BUSY')
}
