import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Whether servers and generator get a processor each, so that neither takes time from the other. */
export const isPinned = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** The processor of whatever is measured, and that of the load generator. */
export const MEASURED = 0
export const GENERATOR = 1

/**
 * The command line that runs a program on one processor, or just runs it where that is not possible.
 *
 * @param {number} processor
 * @param {string[]} command
 * @returns {[string, string[]]}
 */
export function pinned (processor, command) {
  const [program = '', ...args] = isPinned ? ['taskset', '-c', String(processor), ...command] : command
  return [program, args]
}
