import { describe, isOneOrMore } from '../checks.js'
import { ArgumentError } from '../errors.js'
import { isKeyPrefix, MAX_KEY_SIZE, MIN_KEY_SIZE, CHECKSUM_SIZE } from './secret.js'

const SIZES = `{${MIN_KEY_SIZE + CHECKSUM_SIZE},${MAX_KEY_SIZE + CHECKSUM_SIZE}}`

/** What random text of this length never falls below, and text such as `xxxx…` or `0123012301…` never reaches: bits for each character. */
const ENTROPY = 3.3

/**
 * Where a key may begin: not within a word, but behind a percent-encoded character or the last letter of an escape such
 * as `\n`, which are words to a regular expression alone.
 */
const BEFORE = String.raw`(?:\b|%[0-9A-Fa-f]{2}|\\[nrtf])`

/**
 * Makes a rule by which [gitleaks](https://github.com/gitleaks/gitleaks) finds the application's keys in files and
 * histories: TOML for `.gitleaks.toml`. A rule knows no checksum, so what it finds is asked of `identify`.
 *
 * @param prefixes the first parts of the application's keys, as given to the option `prefix`, old ones too
 * @returns one `[[rules]]` table
 * @throws FST_API_KEY_INVALID_ARGUMENT
 */
export function gitleaksRule (prefixes: string | readonly string[]): string {
  if (!isOneOrMore(isKeyPrefix)(prefixes)) throw new ArgumentError('prefixes', 'a prefix of keys or a list of different ones', describe(prefixes))
  const list = [prefixes].flat()
  const [first = ''] = list
  return `[[rules]]
id = "${first.toLowerCase().replaceAll('_', '-')}-api-key"
description = "An API key that begins with ${list.map((prefix) => `${prefix}_`).join(' or ')}"
regex = '''${BEFORE}((?:${list.join('|')})_[0-9A-Za-z]${SIZES})\\b'''
secretGroup = 1
entropy = ${ENTROPY}
keywords = [${list.map((prefix) => `"${prefix.toLowerCase()}_"`).join(', ')}]
`
}
