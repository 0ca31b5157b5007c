import { setTimeout as sleep } from 'node:timers/promises'
import type { Key, Node } from './fleet.js'

/** A request that goes on being accepted this long after the change counts as accepted for good, in milliseconds. */
const GIVE_UP = 5000

/** Times from the call of a change to the first refusal, one for each node that was asked, in milliseconds. */
export interface Trials {
  readonly refusedAfter: number[]
  /** Requests that were sent more than `late` after the change was acknowledged, and accepted all the same. */
  acceptedLate: number
}

/** What counts as late, in milliseconds. */
const LATE = 50

/** Makes a change and asks nodes, about every millisecond, until each refuses the key. */
export async function trial (change: () => Promise<unknown>, nodes: readonly Node[], key: Key, trials: Trials): Promise<void> {
  await warm(nodes, key)
  const calledAt = performance.now()
  let acknowledgedAt = Infinity
  const changed = change().then(() => { acknowledgedAt = performance.now() })
  await Promise.all([changed, ...nodes.map(async (node) => {
    for (;;) {
      const { status, sentAt, took } = await node.me(key.key)
      if (status === 401) return trials.refusedAfter.push(sentAt + took - calledAt)
      if (status === 200 && sentAt > acknowledgedAt + LATE) trials.acceptedLate += 1
      if (sentAt > calledAt + GIVE_UP) throw new Error(`a key is still answered with ${status} after ${GIVE_UP} ms`)
      // Without a pause, those who ask would take the processor from those who are asked.
      await sleep(1)
    }
  })])
}

/** Makes a change, and asks nodes on for a while after they have refused the key, lest they accept it again. */
export async function trialUnderFaults (change: () => Promise<unknown>, nodes: readonly Node[], key: Key, trials: Trials): Promise<void> {
  await warm(nodes, key)
  await change()
  const acknowledgedAt = performance.now()
  await Promise.all(nodes.map(async (node) => {
    while (performance.now() < acknowledgedAt + 4 * LATE) {
      const { status, sentAt } = await node.me(key.key)
      if (status === 200 && sentAt > acknowledgedAt + LATE) trials.acceptedLate += 1
      else if (status === 401) trials.refusedAfter.push(sentAt - acknowledgedAt)
      await sleep(5)
    }
  }))
}

/** Makes sure that nodes accept a key, from their cache where they may use it. */
async function warm (nodes: readonly Node[], key: Key): Promise<void> {
  for (const answer of await Promise.all(nodes.map((node) => node.me(key.key)))) {
    if (answer.status !== 200) throw new Error(`a good key was answered with ${answer.status}`)
  }
}

/** The value below which a share of the values is. */
export function percentile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
