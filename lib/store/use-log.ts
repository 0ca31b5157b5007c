import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DayCount } from './bookkeeping.js'
import type { Store, Use } from './store.js'

/*
 * The text of an entry in the log of uses: a line for each use, which also tells how often its key was accepted, and one for each
 * other count, their parts parted by tabs. Much less work than JSON, which shows where ten thousand keys are used in a second.
 */

/** Stands for a part that is null. */
const NONE = '-'

/** Stands for a part that is that of the last use before it. */
const SAME = '"'

/** Stands in the line of a count where that of a use has its time, so that what knows of uses alone passes it over. */
const COUNT = '+'

/** The last time that there is, as a `Date`. A database may take no later one for a number, and would then never take the entry. */
const LAST = 8.64e15

/** The last day that a database counts, with 32 bits. */
const LAST_DAY = 2 ** 31 - 1

/** What an entry holds. */
export interface Entry {
  readonly uses: Use[]
  /** A key, day and outcome may come more than once. */
  readonly counts: DayCount[]
}

/** The line of a use, and of how often its key was accepted on a day. */
export function useLine ({ keyId, at, ip, previousAt }: Use, accepted: number, day: number): string {
  return `${keyId}\t${at}\t${addressPart(ip)}\t${previousAt ?? NONE}\t${accepted}\t${day}\n`
}

/** What a proxy passed on for an address may be anything. What would not be read as one is written as one that is unknown. */
function addressPart (ip: string | null): string {
  return ip === NONE || ip === SAME ? '' : ip ?? NONE
}

/**
 * The lines of many uses. Those after the first say the day, and an address that is that of the line before, with one character, and times
 * as the difference to the first. Two thirds as long, and two thirds as much work.
 *
 * @param accepted how often the key of each was accepted on the day
 */
export function useLines (uses: readonly Use[], accepted: readonly number[], day: number): string {
  // A text that is put together piece by piece stays a tree of its pieces until it is read, thousands of objects that the garbage
  // collector copies if it comes before that.
  const lines: string[] = []
  let start: number | null = null
  let before: string | null | undefined
  for (let i = 0; i < uses.length; i++) {
    const use = uses[i] as Use
    const count = accepted[i] as number
    // What is not read as a time is none to count from.
    if (start === null || use.at > LAST) {
      lines.push(useLine(use, count, day))
      if (use.at <= LAST) start = use.at
    } else {
      const { keyId, at, ip, previousAt } = use
      const time = at < start ? at - start : `+${at - start}`
      lines.push(`${keyId}\t${time}\t${ip === before ? SAME : addressPart(ip)}\t${previousAt ?? NONE}\t${count}\t${SAME}\n`)
    }
    before = use.ip
  }
  return lines.join('')
}

/** The line of a count by itself. */
export function countLine ({ keyId, day, outcome, count }: DayCount): string {
  return `${keyId}\t${COUNT}\t${day}\t${outcome}\t${count}\n`
}

/** Reads what these wrote, and uses without counts from before there were any. A line that is none of their own is passed over. */
export function decodeEntry (text: string): Entry {
  const entry: Entry = { uses: [], counts: [] }
  const before: Before = { start: null, ip: undefined, day: undefined }
  // Of SQLite, also a text may be a blob.
  for (const line of String(text).split('\n')) {
    const parts = line.split('\t')
    if (parts[1] === COUNT) addCount(entry, parts[0], parts[2], parts[3], parts[4])
    else addUse(entry, parts, before)
  }
  return entry
}

/** What lines of uses leave to those before them. */
interface Before {
  start: number | null
  ip: string | undefined
  day: string | undefined
}

function addUse (entry: Entry, parts: readonly string[], before: Before): void {
  const [keyId, time, address, previousAt, accepted, dayPart] = parts
  const ip = address === SAME ? before.ip : address
  const day = dayPart === SAME ? before.day : dayPart
  const at = toTime(time, before.start)
  before.ip = ip
  before.day = day
  if (keyId === undefined || ip === undefined || at === null || previousAt === undefined) return
  before.start ??= at
  entry.uses.push({ keyId, at, ip: ip === NONE ? null : ip, previousAt: isNumber(previousAt, LAST) ? Number(previousAt) : null })
  if (accepted !== '0') addCount(entry, keyId, day, 'accepted', accepted)
}

/** Reads a time, which with a sign is the difference to that of the first line. Null for what is none. */
function toTime (text: string | undefined, start: number | null): number | null {
  if (isNumber(text, LAST)) return Number(text)
  if (text === undefined || start === null || !/^[+-]\d+$/.test(text)) return null
  const at = start + Number(text)
  return at >= 0 && at <= LAST ? at : null
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
