/*
 * `npm run bench`. See README.md for what is measured and how.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { installPeers } from './prepare.js'
import { rows } from './rows.js'
import { startLane, measure, warmUp } from './rounds.js'
import { median } from './statistics.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] }
  }
})
installPeers()
const folder = mkdtempSync(join(tmpdir(), 'fastify-apikey-bench-'))
const lanes = []
try {
  spawnSync(process.execPath, [fileURLToPath(new URL('seed.js', import.meta.url)), folder, '100000', '10000'], { stdio: 'inherit' })
  for (const row of rows.filter(({ id }) => id === 'bare' || values.only.length === 0 || values.only.includes(id))) lanes.push(await startLane(row, folder))
  for (const lane of lanes) await warmUp(lane, Number(values['warm-up']))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const lane of lanes) {
      await measure(lane, Number(values.seconds))
      console.log(lane.row.title, lane.samples.at(-1))
    }
  }
  const [bare] = lanes
  for (const lane of lanes) console.log(lane.row.title, median(lane.samples.map(({ rate }, i) => rate / (bare?.samples[i]?.rate ?? NaN))))
} finally {
  for (const { server } of lanes) await server.stop()
  rmSync(folder, { recursive: true })
}
