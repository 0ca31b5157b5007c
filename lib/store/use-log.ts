import type { Use } from './store.js'

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

/** Reads what `encodeUses` wrote. A line that is none of its own is passed over. */
export function decodeUses (text: string): Use[] {
  const uses: Use[] = []
  for (const line of text.split('\n')) {
    const [keyId, at, ip, previousAt] = line.split('\t')
    if (keyId === undefined || ip === undefined || !isTime(at) || previousAt === undefined) continue
    uses.push({ keyId, at: Number(at), ip: ip === NONE ? null : ip, previousAt: isTime(previousAt) ? Number(previousAt) : null })
  }
  return uses
}

function isTime (text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text)
}
