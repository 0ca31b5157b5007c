import { setImmediate as nextTurn } from 'node:timers/promises'

/** How many texts are sorted in one go, which takes half a millisecond. */
const RUN = 2000

/** Out of how many sorted runs batches are put together at most. */
const MAX_RUNS = 16

/** Goes through a list in batches, with a turn of the event loop between them for requests. */
async function inBatches<T> (list: readonly T[], size: number, write: (batch: readonly T[]) => Promise<void>): Promise<void> {
  for (let i = 0; i < list.length; i += size) {
    if (i > 0) await nextTurn()
    await write(list.slice(i, i + size))
  }
}

/**
 * The same in ascending order. To sort the keys of a busy second in one go would hold requests up for many times as long
 * as to write a batch, so they are sorted in runs, a turn for each, and a batch takes what is least in all of them.
 */
export async function inOrder (list: readonly string[], size: number, write: (batch: readonly string[]) => Promise<void>): Promise<void> {
  const runs: string[][] = []
  await inBatches(list, Math.max(RUN, Math.ceil(list.length / MAX_RUNS)), async (run) => {
    runs.push([...run].sort().reverse())
  })
  for (let left = list.length; left > 0; left -= size) {
    if (left < list.length) await nextTurn()
    await write(takeLeast(runs, size))
  }
}

/** Takes the least texts out of runs that end with theirs. */
function takeLeast (runs: readonly string[][], size: number): string[] {
  const taken: string[] = []
  while (taken.length < size) {
    let from: string[] = []
    let least: string | undefined
    for (const run of runs) {
      const text = run[run.length - 1]
      if (text !== undefined && (least === undefined || text < least)) {
        from = run
        least = text
      }
    }
    if (least === undefined) break
    taken.push(least)
    from.pop()
  }
  return taken
}
