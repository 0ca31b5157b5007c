/*
 * Looks existing keys up, in random order. Arguments: file, list of secrets.
 */
import { readFileSync } from 'node:fs'
import { open } from '../database.js'
import { internalsOf } from '../package.js'
import { median } from '../statistics.js'

const PASSES = 5

/** At least so many look-ups in a pass; a short list is gone through repeatedly. */
const LOOKUPS = 100_000

const [file = '', list = ''] = process.argv.slice(2)
const secrets = readFileSync(list, 'utf8').trim().split('\n')

const first = await useEachOnce()
process.stdout.write(JSON.stringify({ ...first, steady: await lookUpWithoutCache() }))

/** With the options' defaults, as in a process just started: each key is a miss, and goes into the cache. */
async function useEachOnce () {
  const app = await open(file)
  const start = performance.now()
  for (const secret of secrets) internalsOf(app.apiKeys).admission.check(secret)
  const first = (performance.now() - start) / secrets.length * 1000
  const rss = process.memoryUsage.rss()
  await app.close()
  return { first, rss }
}

/** Without a cache, in code that is warm by now: what one miss costs in a process that runs for long. */
async function lookUpWithoutCache () {
  const app = await open(file, { cache: false })
  const times = []
  for (let pass = 0; pass < PASSES; pass++) {
    const start = performance.now()
    let done = 0
    for (; done < LOOKUPS; done += secrets.length) {
      for (const secret of secrets) internalsOf(app.apiKeys).admission.check(secret)
    }
    times.push((performance.now() - start) / done * 1000)
  }
  await app.close()
  return median(times)
}
