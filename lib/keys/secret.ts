import { hash, randomFillSync } from 'node:crypto'
import { crc32 } from 'node:zlib'

/*
 * The text of a key, in the form that GitHub gave its tokens:
 *
 *   ak_3mP0…    prefix, underscore, random part of 22 to 128 characters, checksum of 6
 *
 * Random part and checksum are base62. The checksum is the CRC-32 of the random part, so that a typing error is found
 * without asking the database, and a scanner can tell a key from noise.
 */

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
export const CHECKSUM_SIZE = 6
const SHOWN_CHARACTERS = 4

/** How many random bytes are asked for at a time. */
const MAX_RANDOM = 16_384

/** The smallest random part: 22 base62 characters are 131 bits. */
export const MIN_KEY_SIZE = 22
export const MAX_KEY_SIZE = 128

const PREFIX = /^[A-Za-z][A-Za-z0-9_]{0,15}$/
const KEY = new RegExp(`^([A-Za-z][A-Za-z0-9_]{0,15})_([0-9A-Za-z]{${MIN_KEY_SIZE},${MAX_KEY_SIZE}})([0-9A-Za-z]{${CHECKSUM_SIZE}})$`)

/** No key is longer than this. Lets a reader drop a huge header before it is hashed. */
export const MAX_SECRET_LENGTH = 16 + 1 + MAX_KEY_SIZE + CHECKSUM_SIZE

/** Whether a value can be the first part of keys. */
export function isKeyPrefix (value: unknown): value is string {
  return typeof value === 'string' && PREFIX.test(value)
}

/** The secret of a new key, as `generateSecrets` makes it. */
export function generateSecret (prefix: string, size: number): string {
  const [secret] = generateSecrets(1, prefix, size)
  return secret as string
}

/**
 * Makes the secrets of new keys from the operating system's CSPRNG.
 *
 * @param prefix first part of the keys, as `isKeyPrefix` allows
 * @param size random characters, 22 to 128
 */
export function generateSecrets (count: number, prefix: string, size: number): string[] {
  // Asked for once for many keys, and wiped, since the secrets could be made from them again.
  const source = new RandomBytes(Math.min(count * (size + 8), MAX_RANDOM))
  const secrets = Array.from({ length: count }, () => {
    const random = randomBase62(source, size)
    return `${prefix}_${random}${checksum(random)}`
  })
  source.wipe()
  return secrets
}

/**
 * Whether a text is well formed and its checksum holds. Says nothing about whether the key exists.
 * Any prefix and size is taken, so that keys stay good when the application changes either.
 */
export function isWellFormed (text: string): boolean {
  const parts = KEY.exec(text)
  return parts !== null && checksum(parts[2] as string) === parts[3]
}

/**
 * Whether a text from a shared header such as Authorization is meant to be one of our keys. With one of the application's
 * prefixes the form is enough, so that a mistyped key is called invalid; with another prefix the checksum must hold too,
 * as in keys from before a change of prefix. Other tokens are left to whoever they are for.
 */
export function isMeantAsKey (text: string, prefixes: readonly string[]): boolean {
  const parts = KEY.exec(text)
  return parts !== null && (prefixes.includes(parts[1] as string) || checksum(parts[2] as string) === parts[3])
}

/** The first characters of a secret: the prefix and enough of the random part for people to tell their keys apart. */
export function startOf (secret: string): string {
  return secret.slice(0, secret.lastIndexOf('_') + 1 + SHOWN_CHARACTERS)
}

/**
 * SHA-256 of a secret, the only form in which it is stored and kept in memory: 32 bytes as a string of 32 characters
 * (latin1), by which it is looked up. The cache has the same as words. A slow or salted hash would add nothing, since a secret
 * has at least 131 random bits.
 */
export function digestOf (secret: string): string {
  return hash('sha256', secret, 'binary')
}

/** CRC-32 of the random part as six base62 digits, padded with 0 on the left. */
function checksum (random: string): string {
  let rest = crc32(random)
  let digits = ''
  for (let i = 0; i < CHECKSUM_SIZE; i++) {
    digits = ALPHABET.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

function randomBase62 (source: RandomBytes, size: number): string {
  let text = ''
  while (text.length < size) {
    const byte = source.next()
    // 248 is 4 times 62. A byte from there on would make the first digits of the alphabet more likely than the others.
    if (byte < 248) text += ALPHABET.charAt(byte % 62)
  }
  return text
}

/** Random bytes one by one, each given once. */
class RandomBytes {
  readonly #bytes: Buffer
  #next: number

  /** @param size how many are asked for at a time */
  constructor (size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#next = size
  }

  next (): number {
    if (this.#next === this.#bytes.length) {
      randomFillSync(this.#bytes)
      this.#next = 0
    }
    return this.#bytes[this.#next++] as number
  }

  wipe (): void {
    this.#bytes.fill(0)
  }
}

/** As long as a whole one at least, since ids of users may look like the beginning of one. */
const WHOLE = /[A-Za-z][A-Za-z0-9_]{0,15}_[0-9A-Za-z]{28,}/g

/** Leaves out of a text what may be a secret, passed by mistake where something else was meant. To be done before the text is cut. */
export function leaveOutSecrets (text: string): string {
  return text.replace(WHOLE, '…')
}
