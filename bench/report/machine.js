import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { generator } from '../load/generator.js'
import { GENERATOR, isPinned, MEASURED } from '../load/pin.js'

/**
 * What the figures depend on, by name.
 *
 * @typedef {Record<string, string>} Machine
 */

const require = createRequire(import.meta.url)
const PACKAGES = ['fastify', 'better-sqlite3', 'drizzle-orm', '@fastify/bearer-auth', '@fastify/jwt', 'better-auth', '@better-auth/api-key']

/** @returns {Machine} */
export function describeMachine () {
  return {
    date: new Date().toISOString(),
    processor: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} available`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    packages: PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ')
  }
}

/**
 * How the load was made.
 *
 * @param {boolean} isAwake whether the generator was kept awake
 */
export function describeLoad (isAwake) {
  return `${generator.name}, 1 thread, ${generator.connections} connections, ${isAwake ? 'kept awake' : 'woken by answers'}; ` +
    (isPinned ? `servers on processor ${MEASURED}, generator on ${GENERATOR}` : 'not pinned to processors')
}

/** @param {string} name */
function versionOf (name) {
  // Not through require(name/package.json), which packages need not export.
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version
    } catch {}
  }
  return 'missing'
}
