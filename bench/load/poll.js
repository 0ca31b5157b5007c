import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Builds the library that keeps wrk awake (poll.c).
 *
 * @param {string} folder where it goes
 * @returns {string | null} its path; null where there is no Linux or no C compiler, and answers wake wrk
 */
export function buildPolling (folder) {
  if (process.platform !== 'linux') return null
  const library = `${folder}/poll.so`
  const { status } = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, fileURLToPath(new URL('poll.c', import.meta.url)), '-ldl'])
  return status === 0 ? library : null
}
