import { fork, spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'

/*
 * Processes of their own, without what tap adds to those that tests start: it measures coverage, for which these do not count, and makes
 * them start more slowly.
 */

const NODE = ['-u', 'NODE_OPTIONS', process.execPath]

/** Starts Node as from a shell. What it prints can be read. */
export function startNode (args: readonly string[], options: { cwd?: string, env?: NodeJS.ProcessEnv } = {}): ChildProcessByStdio<null, Readable, Readable> {
  return spawn('env', [...NODE, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Starts a module to which messages can be sent. */
export function forkNode (file: string, ...args: string[]): ChildProcess {
  return fork(file, args, { execPath: 'env', execArgv: NODE })
}
