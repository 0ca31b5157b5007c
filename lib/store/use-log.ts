import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Store, Use } from './store.js'

/*
 * The text of an entry in the log of uses: a line for each, its parts parted by tabs. Half as much work as JSON, which shows
 * where ten thousand keys are used in a second.
 */

/** Stands for a part that is null. No address and no time is written so. */
const NONE = '-'

/** Writes uses as one text. */
export function encodeUses (uses: readonly Use[]): string {
  let text = ''
  for (const { keyId, at, ip, previousAt } of uses) text += `${keyId}\t${at}\t${ip ?? NONE}\t${previousAt ?? NONE}\n`
  return text
}

/** The last time that there is, as a `Date`. A database may take no later one for a number, and would then never take the entry. */
const LAST = 8.64e15

/** Reads what `encodeUses` wrote. A line that is none of its own is passed over. */
export function decodeUses (text: string): Use[] {
  const uses: Use[] = []
  // Of SQLite, also a text may be a blob.
  for (const line of String(text).split('\n')) {
    const [keyId, at, ip, previousAt] = line.split('\t')
    if (keyId === undefined || ip === undefined || !isTime(at) || previousAt === undefined) continue
    uses.push({ keyId, at: Number(at), ip: ip === NONE ? null : ip, previousAt: isTime(previousAt) ? Number(previousAt) : null })
  }
  return uses
}

function isTime (text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= LAST
}

type Entries = readonly { readonly uses: string }[]

/** What an engine does to recover uses. */
interface Recovery extends Pick<Store, 'saveUses' | 'dropLogged' | 'batchSize'> {
  /** The numbers of all entries from before a time. */
  list (before: number): readonly number[] | Promise<readonly number[]>
  /** The entry with a number, or nothing when it is there no more. */
  read (entry: number): Entries | Promise<Entries>
}

/**
 * Stores the uses of all entries from before a time, and deletes those. In small steps, since requests wait for each, and only
 * what is there at the beginning, or it might never come to an end while others log. Two that recover the same entry do no
 * harm.
 */
export async function recover (before: number, { list, read, saveUses, dropLogged, batchSize }: Recovery): Promise<void> {
  for (const entry of await list(before)) {
    const uses = (await read(entry)).flatMap(({ uses }) => decodeUses(uses))
    for (let i = 0; i < uses.length; i += batchSize) {
      await saveUses(uses.slice(i, i + batchSize))
      await nextTurn()
    }
    await dropLogged([entry])
  }
}
