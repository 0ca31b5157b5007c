import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNode } from './processes.js'

export interface RunningExample {
  /** Such as `http://127.0.0.1:41234`. */
  readonly address: string
  /** What it printed. */
  readonly output: string
  close (): Promise<void>
}

const APP = fileURLToPath(new URL('../../examples/app.js', import.meta.url))

/** Starts the example application in a process of its own, on a free port, with a database of its own. Needs the build. */
export async function startExample (): Promise<RunningExample> {
  const folder = await mkdtemp(join(tmpdir(), 'fastify-apikey-example-'))
  const env = { ...process.env, PORT: '0', HOST: '127.0.0.1', DATABASE: join(folder, 'example.db') }
  const child = startNode([APP], { env })
  const ended = once(child, 'exit')
  let output = ''
  const started = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const address = /API keys +(http:\S+)\/keys[^]*Try a key .*\n/.exec(output)?.[1]
      if (address !== undefined) resolve(address)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    ended.then(() => reject(new Error(`The example did not start: ${output}`)), reject)
  })
  const close = async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  return { address: await started, output, close }
}
