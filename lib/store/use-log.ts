import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DayCount } from './accounts.js'
import type { Store, Use } from './store.js'

/*
 * The text of an entry in the log of uses: a line for each use, which also tells how often its key was accepted, and one for each
 * other count, their parts parted by tabs. Half as much work as JSON, which shows where ten thousand keys are used in a second.
 */

/** Stands for a part that is null. No address and no time is written so. */
const NONE = '-'

/** Stands in the line of a count where that of a use has its time, so that what knows of uses alone passes it over. */
const COUNT = '+'

/** What an entry holds. */
export interface Entry {
  readonly uses: Use[]
  /** A key, day and outcome may come more than once. */
  readonly counts: DayCount[]
}

/** The line of a use, and of how often its key was accepted on a day. */
export function useLine ({ keyId, at, ip, previousAt }: Use, accepted: number, day: number): string {
  return `${keyId}\t${at}\t${ip ?? NONE}\t${previousAt ?? NONE}\t${accepted}\t${day}\n`
}

/** The line of a count by itself. */
export function countLine ({ keyId, day, outcome, count }: DayCount): string {
  return `${keyId}\t${COUNT}\t${day}\t${outcome}\t${count}\n`
}

/** The last time that there is, as a `Date`. A database may take no later one for a number, and would then never take the entry. */
const LAST = 8.64e15

/** The last day that a database counts, with 32 bits. */
const LAST_DAY = 2 ** 31 - 1

/** Reads what these wrote, and uses without counts from before there were any. A line that is none of their own is passed over. */
export function decodeEntry (text: string): Entry {
  const entry: Entry = { uses: [], counts: [] }
  // Of SQLite, also a text may be a blob.
  for (const line of String(text).split('\n')) {
    const parts = line.split('\t')
    if (parts[1] === COUNT) addCount(entry, parts[0], parts[2], parts[3], parts[4])
    else addUse(entry, parts)
  }
  return entry
}

function addUse (entry: Entry, [keyId, at, ip, previousAt, accepted, day]: readonly string[]): void {
  if (keyId === undefined || ip === undefined || !isNumber(at, LAST) || previousAt === undefined) return
  entry.uses.push({ keyId, at: Number(at), ip: ip === NONE ? null : ip, previousAt: isNumber(previousAt, LAST) ? Number(previousAt) : null })
  if (accepted !== '0') addCount(entry, keyId, day, 'accepted', accepted)
}

function addCount ({ counts }: Entry, keyId?: string, day?: string, outcome?: string, count?: string): void {
  if (keyId === undefined || outcome === undefined || !isNumber(day, LAST_DAY) || !isNumber(count, Number.MAX_SAFE_INTEGER)) return
  counts.push({ keyId, day: Number(day), outcome, count: Number(count) })
}

function isNumber (text: string | undefined, max: number): text is string {
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= max
}

/**
 * Applies all entries from before a time, each in a turn of its own, since requests wait for it, and only what is there at the
 * beginning, or it might never come to an end while others log.
 *
 * @param list gives their numbers
 */
export async function recover (list: () => readonly number[] | Promise<readonly number[]>, apply: Store['applyLogged']): Promise<void> {
  let failure: { readonly error: unknown } | null = null
  let failures = 0
  for (const entry of await list()) {
    try {
      await apply(entry)
      failures = 0
    } catch (error) {
      failure ??= { error }
      failures += 1
      // Two in a row are not for want of one entry, which somebody may hold who is frozen.
      if (failures === 2) break
    }
    await nextTurn()
  }
  if (failure !== null) throw failure.error
}
