/*
 * `npm run bench:scale`. README.md tells what is measured and how.
 */
import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { whole } from './arguments.js'
import { writeResults } from './report/files.js'
import { figure } from './report/markdown.js'
import { createScaleReport, toMarkdown } from './report/scale.js'
import { writePlot } from './scale/plot.js'
import { runScript } from './script.js'
import { median } from './statistics.js'

/**
 * What was measured at one number of keys.
 *
 * @typedef {object} Point
 * @property {number} keys
 * @property {number} lookUp a miss in a process that runs for long, microseconds
 * @property {number} firstLookUp a miss in a process just started, microseconds
 * @property {number} ready from `register` to `ready`, milliseconds, median
 * @property {number} process from the start of the process to `ready`, milliseconds, median
 * @property {number} rssStarted bytes
 * @property {number} rssUsed bytes, once `used` keys were looked up
 * @property {number} used
 * @property {number} file bytes
 * @property {number} createMany keys a second, when so many are there already
 * @property {number} insert keys a second by direct insertion, with which the database was filled
 */

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000]
const USED = 100_000
const STARTS = 5

/** What a key takes on the disk, twice over. */
const BYTES_A_KEY = 500

const { values } = parseArgs({ options: { max: { type: 'string', default: String(SIZES.at(-1)) } } })
const max = whole('--max', values.max)
const sizes = SIZES.filter((size) => size <= max)
if (sizes.length === 0) throw new Error(`--max takes ${SIZES[0]} or more`)

/** @type {Point[]} */
const points = []
for (const keys of sizes) points.push(await measureAt(keys))
const report = createScaleReport(points)
const markdown = toMarkdown(report)
console.log(`\n${markdown}`)
writeResults('scale', markdown, report)
writePlot(points)

/** @param {number} keys */
async function measureAt (keys) {
  const folder = mkdtempSync(join(tmpdir(), 'fastify-apikey-scale-'))
  try {
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < keys * BYTES_A_KEY) throw new Error(`${folder} has too little room for ${figure(keys)} keys`)
    return await measureIn(folder, keys)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * @param {string} folder
 * @param {number} keys
 * @returns {Promise<Point>}
 */
async function measureIn (folder, keys) {
  const file = `${folder}/scale.db`
  const list = `${folder}/secrets.txt`
  const used = Math.min(USED, keys)
  console.log(`${figure(keys)} keys: inserting …`)
  const filled = JSON.parse(await runScript('scale/fill.js', [file, keys, used, list]))
  console.log(`${figure(keys)} keys: ${figure(filled.rate)} inserted a second; starting, looking up, making more …`)
  const starts = []
  for (let i = 0; i < STARTS; i++) starts.push(JSON.parse(await runScript('scale/start.js', [file])))
  const size = statSync(file).size
  const lookUp = JSON.parse(await runScript('scale/lookup.js', [file, list]))
  const created = JSON.parse(await runScript('scale/create.js', [file, keys]))
  return {
    keys,
    lookUp: lookUp.steady,
    firstLookUp: lookUp.first,
    ready: median(starts.map(({ ready }) => ready)),
    process: median(starts.map(({ process }) => process)),
    rssStarted: median(starts.map(({ rss }) => rss)),
    rssUsed: lookUp.rss,
    used,
    file: size,
    createMany: created.rate,
    insert: filled.rate
  }
}
