import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const stamp = `${folder}node_modules/.installed`

/** Installs what the benchmark compares with, unless exactly that is there. */
export function installPeers () {
  const wanted = createHash('sha256').update(readFileSync(`${folder}package-lock.json`)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.log('Installing the servers to compare with into bench/node_modules …')
  // None of them needs its install script, and npm is a command file on Windows, hence the shell.
  const { status } = spawnSync('npm ci --ignore-scripts --no-audit --no-fund', { cwd: folder, stdio: 'inherit', shell: true })
  if (status !== 0) throw new Error('npm ci failed in bench/')
  writeFileSync(stamp, wanted)
}
