/*
 * `npm run bench`. README.md tells what is measured and how.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments } from './arguments.js'
import { generator } from './load/generator.js'
import { buildPolling } from './load/poll.js'
import { startPostgres } from './postgres.js'
import { installPeers } from './prepare.js'
import { createReport, toMarkdown } from './report/bench.js'
import { writeResults } from './report/files.js'
import { judgeGoals } from './report/goals.js'
import { describeLoad } from './report/machine.js'
import { figure } from './report/markdown.js'
import { summarise } from './report/summary.js'
import { measure } from './rounds.js'
import { runScript } from './script.js'

const KEYS = 100_000
const KEYS_IN_USE = 10_000

const task = readArguments()
installPeers()
const folder = mkdtempSync(join(tmpdir(), 'fastify-apikey-bench-'))
const polling = task.isWoken || !generator.isWrk ? null : buildPolling(folder)
/** @type {readonly import('./rounds.js').Lane[]} */
const lanes = task.rows.map((row) => ({ row, samples: [], problem: null }))
/** @type {{ server: Awaited<ReturnType<typeof startPostgres>> | null }} */
const postgres = { server: null }
try {
  await seed()
  await measureLanes()
  report(await measureInProcess())
} finally {
  await postgres.server?.stop()
  rmSync(folder, { recursive: true })
}

async function seed () {
  console.log(`Making ${figure(KEYS)} keys, of which ${figure(KEYS_IN_USE)} are used …`)
  await runScript('seed.js', [folder, KEYS, KEYS_IN_USE])
  if (!task.rows.some(({ credentials }) => credentials === 'postgres')) return
  postgres.server = await startPostgres(folder)
  await runScript('seed-postgres.js', [folder, KEYS, KEYS_IN_USE, postgres.server.url])
}

async function measureLanes () {
  for (let round = 1; round <= task.rounds; round++) {
    // To and fro, so that a machine that becomes slower or faster meanwhile favours no row.
    for (const lane of round % 2 === 1 ? lanes : lanes.toReversed()) {
      const { rate, p99, cpu, others } = await measure(lane, { folder, postgres: postgres.server, polling, warmUp: task.warmUp, seconds: task.seconds })
      console.log(`Round ${round} of ${task.rounds}: ${figure(rate).padStart(7)}/s, p99 ${figure(p99, 2).padStart(7)} ms, CPU ${percent(cpu)}, others ${percent(others)}  ${lane.row.title}`)
    }
  }
}

/** @param {number | null} share */
function percent (share) {
  return (share === null ? '?' : figure(share * 100)).padStart(3) + ' %'
}

async function measureInProcess () {
  if (!task.inProcess) return null
  console.log('Measuring in process …')
  return JSON.parse(await runScript('inprocess.js', [folder], { exposesGc: true }))
}

/** @param {import('./inprocess.js').InProcess | null} inProcess */
function report (inProcess) {
  const [bare] = lanes
  if (bare === undefined) throw new Error('bare Fastify was not measured')
  const summaries = lanes.map((lane) => summarise(lane, bare))
  const results = createReport({
    load: describeLoad(polling !== null),
    rounds: `medians of ${task.rounds} rounds of ${task.seconds} s, each with a new process of each server`,
    warnings: [generator.warning, disturbance(summaries)].filter((warning) => warning !== null),
    rows: summaries,
    inProcess,
    goals: judgeGoals(summaries, inProcess, generator.warning === null)
  })
  const markdown = toMarkdown(results)
  console.log(`\n${markdown}`)
  writeResults('bench', markdown, results)
  if (summaries.some(({ invalid }) => invalid !== null)) process.exitCode = 1
}

/** @param {readonly import('./report/summary.js').Summary[]} summaries */
function disturbance (summaries) {
  const disturbed = summaries.filter(({ clean, samples }) => clean < samples.length).length
  return disturbed === 0 ? null : `other programs disturbed ${disturbed} of ${summaries.length} rows; their disturbed rounds are left out, where there are others.`
}
