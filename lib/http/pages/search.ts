import { isKeyId } from '../../keys/ids.js'
import { startOf } from '../../keys/secret.js'
import { readHint } from './form.js'
import { withQuery } from './urls.js'

/** More than the first characters of a secret can be, and less than a whole secret, which does not belong into a URL. */
const MAX_SEARCH = 24

/** What somebody may have pasted instead of a name: the beginning of a secret, or all of it. */
const SECRET = /^[A-Za-z][A-Za-z0-9_]*_[0-9A-Za-z]{5,}$/

/** Which keys are asked for. */
export interface Asked {
  /** Whether those that have ended, rather than the live ones. */
  readonly ended: boolean
  /** What they are searched for; empty for nothing. */
  readonly text: string
  /** The id of the last key of the page before; undefined for the first page. */
  readonly before: string | undefined
}

/** Reads the query of the list. What is not as it should be is left out. */
export function readSearch (query: unknown): Asked {
  const text = (readHint(query, 'q') ?? '').replace(/\p{Cc}/gu, '').toWellFormed().trim().slice(0, MAX_SEARCH)
  const before = readHint(query, 'before')
  return {
    ended: readHint(query, 'show') === 'ended',
    // Keys are found by their first characters, which are all that is stored.
    text: SECRET.test(text) ? startOf(text) : text,
    before: before !== undefined && isKeyId(before) ? before : undefined
  }
}

/** The address of a page of the list. */
export function toListUrl (base: string, { ended, text, before }: Partial<Asked>): string {
  return withQuery(base, { show: ended === true ? 'ended' : '', q: text ?? '', before: before ?? '' })
}
