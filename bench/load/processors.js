import { readdirSync, readFileSync } from 'node:fs'
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

/**
 * How long a process and its children were busy so far.
 *
 * @param {number} pid
 * @returns {number} seconds; 0 where that cannot be told
 */
export function treeTime (pid) {
  if (!isPinned) return 0
  return TICK * readdirSync('/proc').filter((name) => /^\d+$/.test(name)).reduce((total, name) => total + timeOf(name, pid), 0)
}

/**
 * @param {string} name a process
 * @param {number} root counted are this process and its children
 */
function timeOf (name, root) {
  try {
    // After the name of the program, which may hold spaces: state, parent, …, user and system time, those of ended children.
    const fields = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ').map(Number)
    const isRoot = Number(name) === root
    if (!isRoot && fields[1] !== root) return 0
    return (fields[11] ?? 0) + (fields[12] ?? 0) + (isRoot ? (fields[13] ?? 0) + (fields[14] ?? 0) : 0)
  } catch {
    return 0
  }
}
