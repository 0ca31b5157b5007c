import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { until, type Server } from '../helpers/server.js'
import { Load, type Answer, type Key, type Node } from './fleet.js'
import type { Report } from './report.js'
import { percentile, trial, trialUnderFaults, type Trials } from './trials.js'

/** What every scenario works with. */
export interface Run {
  readonly server: Server
  readonly schema: string
  readonly nodes: readonly Node[]
  readonly trials: number
  readonly report: Report
  readonly connect: () => Promise<pg.Client>
}

/** Trials of each kind that are not counted. */
const WARM_UP = 50

const ms = (time: number) => `${time.toFixed(1)} ms`

const spread = (times: number[]) => `p50 ${ms(percentile(times, 0.5))}, p99 ${ms(percentile(times, 0.99))}, max ${ms(percentile(times, 1))}`

/** Revoking on one node, by SQL, and by deleting the profile, while all nodes serve other keys. */
export async function revoking ({ nodes, schema, trials, report, connect }: Run): Promise<void> {
  const [first, ...others] = nodes as [Node, ...Node[]]
  const client = await connect()
  const load = new Load(nodes, await create(first, 200))
  const ways: [string, (key: Key) => Promise<unknown>][] = [
    ['revoke() on one node', (key) => first.post(`/revoke/${key.id}`)],
    ['UPDATE by SQL', (key) => client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1 WHERE id = $1`, [key.id])],
    ['profiles.delete() on one node', (key) => first.post(`/delete/${key.userId}`)],
    ['DELETE of the profile by SQL', (key) => client.query(`DELETE FROM ${schema}.api_key_profiles WHERE user_id = $1`, [key.userId])]
  ]
  const listener = await connect()
  await listener.query('LISTEN comparison')
  const all: number[] = []
  // Code that has just been loaded is slow. Servers that have served for a while are what the goals are about.
  for (const [, change] of ways) {
    for (const key of await create(first, WARM_UP)) await trial(() => change(key), others, key, { refusedAfter: [], acceptedLate: 0 })
  }
  for (const [what, change] of ways) {
    const result: Trials = { refusedAfter: [], acceptedLate: 0 }
    for (const key of await create(first, trials)) {
      await trial(() => change(key), others, key, result)
      all.push(await notified(client, listener))
    }
    const late = result.refusedAfter.filter((time) => time > 50).length
    report.add(`${what}, refused on ${others.length} others (${result.refusedAfter.length} refusals)`,
      `${spread(result.refusedAfter)}, after 50 ms: ${late}, accepted later: ${result.acceptedLate}`,
      'p99 at most 20 ms, none after 50 ms', percentile(result.refusedAfter, 0.99) <= 20 && late === 0 && result.acceptedLate === 0, { isFine: true })
  }
  await load.stop()
  await listener.end()
  await client.end()
  report.add(`for comparison, a bare NOTIFY between two connections (${all.length})`, spread(all), 'none', true)
  const total = [...load.answers.values()].reduce((sum, count) => sum + count, 0)
  report.add('the other requests meanwhile', `${load.answers.get(200)} of ${total} accepted, ${load.unanswered} unanswered`, 'all accepted', load.answers.get(200) === total && load.unanswered === 0)
}

/** How long a bare notification takes, which tells how busy the machine itself is. */
async function notified (client: pg.Client, listener: pg.Client): Promise<number> {
  const heard = once(listener, 'notification')
  const sentAt = performance.now()
  await client.query('NOTIFY comparison')
  await heard
  return performance.now() - sentAt
}

/** Many keys at once for one profile, on two nodes. */
export async function counting ({ nodes: [first, second], report }: Run): Promise<void> {
  for (let round = 1; round <= 3; round++) {
    const path = `/race/racer-${round}/50/100`
    const made = await Promise.all([first, second].map((node) => node?.post<{ made: number, others: string[] }>(path)))
    const count = made.reduce((sum, result) => sum + (result?.made ?? 0), 0)
    report.add('two nodes, 200 parallel creates, limit 50', `${made.map((result) => result?.made).join(' + ')} = ${count} made, the others ${[...new Set(made.flatMap((result) => result?.others ?? []))].join(', ')}`, 'exactly 50', count === 50)
  }
}

/** Stops the server's side of the listening connections of three nodes, which stay open and say nothing more. */
export async function frozen ({ nodes, trials, report, connect }: Run): Promise<void> {
  const [first, ...others] = nodes as [Node, ...Node[]]
  const client = await connect()
  const refusedAfter: number[] = []
  const rounds = Math.max(3, Math.round(trials / 100))
  for (const key of await create(first, rounds)) {
    await listening(client, nodes.length)
    // Which of them is whose does not matter: the node that revokes needs none.
    const pids = await listeners(client)
    const result: Trials = { refusedAfter: [], acceptedLate: 0 }
    try {
      await trial(async () => {
        for (const pid of pids) signal(pid, 'SIGSTOP')
        await first.post(`/revoke/${key.id}`)
      }, others, key, result)
    } finally {
      for (const pid of pids) signal(pid, 'SIGCONT')
    }
    refusedAfter.push(...result.refusedAfter)
  }
  const max = percentile(refusedAfter, 1)
  await client.end()
  report.add(`listening connections frozen before the revocation (${refusedAfter.length} refusals)`, `p50 ${ms(percentile(refusedAfter, 0.5))}, max ${ms(max)}`, 'refused within the second', max <= 1000)
}

/** Ends listening connections at random while keys are revoked. */
export async function terminated ({ nodes, trials, report, connect }: Run): Promise<void> {
  const [first, ...others] = nodes as [Node, ...Node[]]
  const client = await connect()
  const result: Trials = { refusedAfter: [], acceptedLate: 0 }
  let ended = 0
  const stop = new AbortController()
  const ending = (async () => {
    const client = await connect()
    while (!stop.signal.aborted) {
      const pids = await listeners(client)
      const pid = pids[Math.floor(Math.random() * pids.length)]
      if (pid !== undefined) ended += (await client.query('SELECT pg_terminate_backend($1)', [pid])).rowCount ?? 0
      await sleep(20 + Math.random() * 100)
    }
    await client.end()
  })()
  const keys = await create(first, trials)
  const workers = Array.from({ length: 8 }, async () => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const { id } = key
      await trialUnderFaults(() => first.post(`/revoke/${id}`), others, key, result)
    }
  })
  await Promise.all(workers)
  stop.abort()
  await ending
  await listening(client, nodes.length)
  await client.end()
  const outages = (await Promise.all(nodes.map((node) => node.outages()))).reduce((sum, count) => sum + count, 0)
  report.add(`listening connections ended at random (${ended} times, ${trials} keys revoked)`, `${result.acceptedLate} accepted later, ${result.refusedAfter.length} refused, ${outages} outages logged`, 'none accepted more than 50 ms after the revocation', result.acceptedLate === 0)
}

/** Kills the server under load and starts it again. */
export async function killed ({ server, nodes, schema, report, connect }: Run): Promise<void> {
  const [first] = nodes as [Node, ...Node[]]
  const keys = await create(first, 200)
  const [noted] = await create(first, 1) as [Key]
  for (let round = 1; round <= 3; round++) {
    const answers: Answer[] = []
    const load = new Load(nodes, keys, (answer) => answers.push(answer))
    await sleep(500)
    await first.me(noted.key)
    const notedAt = Date.now()
    await server.kill()
    await sleep(1500)
    await server.start()
    const acceptsAt = performance.now()
    const client = await connect()
    await sleep(2500)
    await load.stop()
    await first.post('/flush')
    const { rows: [row] } = await client.query(`SELECT last_used_at FROM ${schema}.api_key_uses WHERE key_id = $1`, [noted.id])
    const refused = answers.filter(({ status }) => status !== 200)
    const others = refused.filter(({ status, retryAfter }) => status !== 503 || retryAfter === undefined).length + load.unanswered
    const recovered = Math.max(0, ...refused.map(({ sentAt }) => sentAt - acceptsAt))
    const slowest = Math.max(...refused.map(({ took }) => took))
    report.add('database killed and started again under load', `${answers.length - refused.length} accepted, ${refused.length - others} answered 503 with Retry-After (slowest ${ms(slowest)}), ${others} otherwise, recovered after ${ms(recovered)}`,
      '503 only, recovered within 1 s', others === 0 && refused.length > 0 && recovered <= 1000)
    report.add('a use noted just before', `stored ${Math.abs(Number(row.last_used_at) - notedAt)} ms from its time`, 'not lost', Math.abs(Number(row.last_used_at) - notedAt) < 100)
    await client.end()
  }
  report.add('nodes that crashed', String(nodes.filter(({ process }) => process.exitCode !== null).length), '0', nodes.every(({ process }) => process.exitCode === null))
}

/** Closes all nodes, and looks at what they leave. */
export async function shutdown ({ nodes, report, connect }: Run): Promise<void> {
  const codes = await Promise.all(nodes.map((node) => node.stop()))
  const client = await connect()
  const { rows: [left] } = await client.query("SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name LIKE 'fastify-apikey%'")
  await client.end()
  report.add('shutting down', `exit codes ${codes.join(', ')}, ${left.count} connections left`, 'all 0, none left', codes.every((code) => code === 0) && left.count === 0)
}

async function create (node: Node, count: number): Promise<Key[]> {
  const run = Math.random().toString(36).slice(2)
  return await node.post('/create', Array.from({ length: count }, (_, i) => ({ userId: `user-${run}-${i}` })))
}

async function listeners (client: pg.Client): Promise<number[]> {
  const { rows } = await client.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'fastify-apikey (listening)'")
  return rows.map(({ pid }) => pid)
}

/** Waits until that many connections listen, and have gone on answering for a while. */
async function listening (client: pg.Client, count: number): Promise<void> {
  const answering = async () => {
    const { rows } = await client.query("SELECT pid, state, query, now() - query_start < '400 ms' AS fresh FROM pg_stat_activity WHERE application_name = 'fastify-apikey (listening)'")
    const isGood = rows.length === count && rows.every(({ state, query, fresh }) => state === 'idle' && query.includes('pg_trigger') && fresh)
    return isGood ? rows.map(({ pid }) => pid).sort().join() : null
  }
  // One that was stopped answers once more before it sees that nobody is there.
  await until(async () => {
    const before = await answering()
    if (before === null) return false
    await sleep(700)
    return await answering() === before
  }, 10_000)
}

/** Stops or continues a process, unless it has just ended. */
function signal (pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name)
  } catch {}
}
