import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startServer } from '../helpers/server.js'
import { Node } from './fleet.js'
import { Report } from './report.js'
import { counting, frozen, killed, revoking, shutdown, terminated, type Run } from './scenarios.js'

/*
 * `npm run test:faults [-- trials] [--forgiving]`: several servers on one PostgreSQL, and what happens to them. Prints what
 * it counted, and exits with 1 when a goal is missed. With --forgiving, how many milliseconds a revocation takes while all
 * connections are well is told and not judged, since a machine that does other things too may take as long for a bare notification.
 */

const { values: { forgiving }, positionals: [first = '1000'] } = parseArgs({ options: { forgiving: { type: 'boolean', default: false } }, allowPositionals: true })
const trials = Number(first)
if (!Number.isInteger(trials) || trials < 1) throw new Error('the number of trials must be a whole number from 1')

const server = await startServer()
const schema = `faults_${randomBytes(4).toString('hex')}`
const connect = async () => {
  const client = new pg.Client(server.url)
  client.on('error', () => {})
  await client.connect()
  return client
}
const startedAt = performance.now()
const report = new Report(forgiving)
// All at once, on an empty database.
const nodes = await Promise.all(Array.from({ length: 4 }, () => Node.start(server.url, schema)))
const run: Run = { server, schema, nodes, trials, report, connect }
try {
  await revoking(run)
  await counting(run)
  await frozen(run)
  await terminated(run)
  await killed(run)
} finally {
  await shutdown(run)
  await server.stop()
}
report.print(`${trials} trials, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
// The PostgreSQL that it started would have the process end with 0 otherwise, whatever code is set.
process.exit(report.missed ? 1 : 0)
