import { readFileSync } from 'node:fs'
import { GENERATOR, isPinned, MEASURED } from './pin.js'

/** The unit of /proc/stat, in seconds, on every architecture that Node runs on. */
const TICK = 0.01

/**
 * How long the two processors of the benchmark were busy since the system started, whoever kept them so, time that the
 * host of a virtual machine took for itself included.
 *
 * @returns {number | null} seconds; null where that cannot be told
 */
export function busyTime () {
  if (!isPinned) return null
  try {
    const lines = readFileSync('/proc/stat', 'utf8').split('\n')
    return TICK * [MEASURED, GENERATOR].reduce((total, processor) => {
      const line = lines.find((line) => line.startsWith(`cpu${processor} `)) ?? ''
      const [user = NaN, nice = NaN, system = NaN, , , irq = NaN, softirq = NaN, steal = NaN] = line.split(' ').slice(1).map(Number)
      return total + user + nice + system + irq + softirq + steal
    }, 0)
  } catch {
    return null
  }
}
