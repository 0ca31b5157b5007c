/*
 * `npm run bench`. README.md tells what is measured and how.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments } from './arguments.js'
import { generator } from './load/generator.js'
import { installPeers } from './prepare.js'
import { createReport, toMarkdown } from './report/bench.js'
import { writeResults } from './report/files.js'
import { judgeGoals } from './report/goals.js'
import { figure } from './report/markdown.js'
import { summarise } from './report/summary.js'
import { measure, startLane, warmUp } from './rounds.js'
import { runScript } from './script.js'

const KEYS = 100_000
const KEYS_IN_USE = 10_000

/** Below this share of its processor, bare Fastify was held up by something else. */
const UNDISTURBED = 0.9

const task = readArguments()
installPeers()
const folder = mkdtempSync(join(tmpdir(), 'fastify-apikey-bench-'))
/** @type {import('./rounds.js').Lane[]} */
const lanes = []
try {
  await seed()
  await measureLanes()
  report(await measureInProcess())
} finally {
  for (const { server } of lanes) await server.stop()
  rmSync(folder, { recursive: true })
}

async function seed () {
  console.log(`Making ${figure(KEYS)} keys, of which ${figure(KEYS_IN_USE)} are used …`)
  await runScript('seed.js', [folder, KEYS, KEYS_IN_USE])
}

async function measureLanes () {
  for (const row of task.rows) {
    console.log(`Starting and warming up: ${row.title}`)
    const lane = await startLane(row, folder)
    lanes.push(lane)
    await warmUp(lane, task.warmUp)
  }
  for (let round = 1; round <= task.rounds; round++) {
    // To and fro, so that a machine that becomes slower or faster meanwhile favours no row.
    for (const lane of round % 2 === 1 ? lanes : lanes.toReversed()) {
      const { rate, p99, cpu } = await measure(lane, task.seconds)
      console.log(`Round ${round} of ${task.rounds}: ${figure(rate).padStart(7)}/s, p99 ${figure(p99, 2).padStart(7)} ms, CPU ${figure(cpu * 100).padStart(3)} %  ${lane.row.title}`)
    }
  }
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
    rounds: `medians of ${task.rounds} rounds of ${task.seconds} s for each server`,
    warnings: [generator.warning, disturbance(bare)].filter((warning) => warning !== null),
    rows: summaries,
    inProcess,
    goals: judgeGoals(summaries, inProcess, generator.warning === null)
  })
  const markdown = toMarkdown(results)
  console.log(`\n${markdown}`)
  writeResults('bench', markdown, results)
  if (summaries.some(({ invalid }) => invalid !== null)) process.exitCode = 1
}

/** @param {import('./rounds.js').Lane} bare */
function disturbance ({ samples }) {
  const disturbed = samples.filter(({ cpu }) => cpu < UNDISTURBED).length
  return disturbed === 0 ? null : `in ${disturbed} of ${samples.length} rounds bare Fastify got less than ${UNDISTURBED * 100} % of a processor: the machine was busy, or the generator too slow.`
}
