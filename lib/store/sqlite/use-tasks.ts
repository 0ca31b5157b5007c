import { statSync } from 'node:fs'
import type { Store } from '../store.js'

/* What a `UseThread` and its thread say to each other. */

/** What a thread does for a store. */
export type ThreadVerbs = Pick<Store, 'logUses' | 'replaceLogged' | 'applyLogged'>

/** Which file a path leads to, since another may take its place. */
export interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
}

/** What a thread is given when it starts. */
export interface Start {
  /** The path of the database. */
  readonly file: string
  /** That of the file that the connection of requests has opened. */
  readonly identity: FileIdentity
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

/** What became of a task. Of one that failed nothing was done. */
export type Answer =
  | { readonly number: number, readonly result: unknown }
  | { readonly number: number, readonly hasFailed: true }

/**
 * Null where the file system does not say: the driver leaves out white space at the end of a path, and Node may have been told not to let
 * the process read there.
 */
export function identify (file: string): FileIdentity | null {
  try {
    const { dev, ino } = statSync(file, { bigint: true })
    return { dev, ino }
  } catch {
    return null
  }
}

/** Does a task. */
export function perform (verbs: ThreadVerbs, { verb, values }: Omit<Task, 'number'>): Promise<unknown> {
  const act = verbs[verb] as (...values: readonly unknown[]) => Promise<unknown>
  return act(...values)
}
