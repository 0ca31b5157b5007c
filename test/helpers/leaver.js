// A process of its own that leaves while its thread waits for the lock of another connection, or has nothing to do, in which case nothing else keeps it:
// leaver.js <folder of lib> <file> <exit|throw|close|rest|work>.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'

const [lib, file, how] = process.argv.slice(2)
const { openStore } = await import(`${lib}store/open.js`)
const store = await openStore({ database: file, schema: undefined, migrate: true }, {})
const started = once(process, 'worker')
await store.logUses('', 1)
if (how !== 'rest') {
  const [worker] = await started
  // The thread does not keep the process.
  const kept = setInterval(() => {}, 1000)
  await once(worker, 'message')
  clearInterval(kept)
  if (how === 'work') await store.logUses('', 2)
  else await leave()
}

async function leave () {
  const other = new Database(String(file))
  other.exec('BEGIN IMMEDIATE')
  store.logUses('', 2).catch(() => {})
  await sleep(100 + Math.random() * 20)
  if (how === 'exit') process.exit(3)
  if (how === 'throw') throw new Error('on purpose')
  await store.close()
  other.close()
}
