import type { KeyRecord, NewKey } from '../../keys/records.js'
import type { HistoryEntry } from '../../keys/history.js'
import { SHOWN } from './schemas.js'

/** What the API shows of a key. What the application notes on it, and by what number it knows the profile, is its own. */
export function toKeyBody (key: KeyRecord): Record<string, unknown> {
  return Object.fromEntries(SHOWN.map((name) => [name, key[name]]))
}

/** The same with the secret. */
export function toNewKeyBody (key: NewKey): Record<string, unknown> {
  return { ...toKeyBody(key), key: key.key }
}

/**
 * What the API shows of a change.
 *
 * @param principal who asks, as the history names whoever made a change: where others were is not theirs to know, but for the owner
 */
export function toEntryBody ({ id, at, action, actor, ip, changes, userId }: HistoryEntry, principal: string | undefined): Record<string, unknown> {
  const { metadata: _own, ...shown } = changes ?? {}
  return { id, at, action, actor, ip: actor !== null && (actor === principal || actor === userId) ? ip : null, changes: changes === null ? null : shown }
}
