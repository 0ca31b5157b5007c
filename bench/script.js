import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MEASURED, pinned } from './load/pin.js'

/**
 * Runs one of the benchmark's scripts in a process of its own, on the processor where things are measured.
 *
 * @param {string} file
 * @param {readonly (string | number)[]} args
 * @param {{ exposesGc?: boolean }} [options]
 * @returns {Promise<string>} what it printed
 */
export async function runScript (file, args, { exposesGc = false } = {}) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const node = [process.execPath, ...exposesGc ? ['--expose-gc'] : []]
  const { stdout } = await promisify(execFile)(...pinned(MEASURED, [...node, path, ...args.map(String)]))
  return stdout
}
