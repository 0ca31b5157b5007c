/*
 * SHA-256 (FIPS 180-4) for finding keys in the cache. The library's takes less time in a loop, but several times as much as these lines in a
 * server, where what it needs has left the processor's caches by the next request (docs/performance.md). What is stored is hashed by the
 * library: should these lines ever give anything else, a key would not be found in the cache, and none would be taken for another.
 */

/** Bytes in a block. */
const BLOCK = 64

/** Bytes in as many blocks as there may be. */
const MAX_BLOCKS = 3 * BLOCK

/** What follows the text, at least: a bit, and the length of the text in eight bytes (section 5.1.1). */
const PADDING = 9

/** The longest text that is hashed here. */
const MAX_TEXT = MAX_BLOCKS - PADDING

/** Words of 32 bits in a digest. */
export const DIGEST_WORDS = 8

const ROUNDS = 64

/** The first 32 bits of the fractional parts of the cube roots of the first primes (section 4.2.2). */
const CONSTANTS = fractions(ROUNDS, Math.cbrt)

/** Those of the square roots (section 5.3.3). */
const INITIAL = fractions(DIGEST_WORDS, Math.sqrt)

const message = new Uint8Array(MAX_BLOCKS)
const words = new DataView(message.buffer)
const schedule = new Int32Array(ROUNDS)
const digest = new Int32Array(DIGEST_WORDS)

/**
 * Hashes a text, and wipes its own copies of it. Never throws.
 *
 * @param text of at most 183 ASCII characters, of which a key has 151 at most
 * @returns the words of the digest, in an array that the next call fills anew; null for any other text
 */
export function hashAscii (text: string): Int32Array | null {
  const { length } = text
  if (length > MAX_TEXT) return null
  /** Every bit that is in any of the characters. */
  let seen = 0
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    // Only the low byte is hashed, by which "š" is "a".
    seen |= code
    message[i] = code
  }
  message[length] = 0x80
  const size = Math.ceil((length + PADDING) / BLOCK) * BLOCK
  words.setUint32(size - 4, length * 8)
  for (let i = 0; i < DIGEST_WORDS; i++) digest[i] = INITIAL[i] as number
  for (let from = 0; from < size; from += BLOCK) compress(from)
  return seen < 0x80 ? digest : null
}

/** Hashes one block of the message (section 6.2.2), and wipes each part of it after its last use. The names are those of the standard. */
function compress (from: number): void {
  for (let t = 0; t < 16; t++) {
    schedule[t] = words.getInt32(from + t * 4)
    words.setInt32(from + t * 4, 0)
  }
  for (let t = 16; t < ROUNDS; t++) {
    schedule[t] = (sigma1(word(t - 2)) + word(t - 7) | 0) + (sigma0(word(t - 15)) + word(t - 16) | 0)
  }
  let a = stateOf(0)
  let b = stateOf(1)
  let c = stateOf(2)
  let d = stateOf(3)
  let e = stateOf(4)
  let f = stateOf(5)
  let g = stateOf(6)
  let h = stateOf(7)
  for (let t = 0; t < ROUNDS; t++) {
    const t1 = (h + sum1(e) | 0) + (choose(e, f, g) + (CONSTANTS[t] as number) | 0) + word(t) | 0
    const t2 = sum0(a) + majority(a, b, c) | 0
    schedule[t] = 0
    h = g
    g = f
    f = e
    e = d + t1 | 0
    d = c
    c = b
    b = a
    a = t1 + t2 | 0
  }
  add(0, a)
  add(1, b)
  add(2, c)
  add(3, d)
  add(4, e)
  add(5, f)
  add(6, g)
  add(7, h)
}

/** A word of the schedule. */
function word (t: number): number {
  return schedule[t] as number
}

function stateOf (i: number): number {
  return digest[i] as number
}

function add (i: number, value: number): void {
  digest[i] = (digest[i] as number) + value
}

const choose = (x: number, y: number, z: number): number => z ^ x & (y ^ z)
const majority = (x: number, y: number, z: number): number => (x & y) ^ (z & (x ^ y))
const sum0 = (x: number): number => rotate(x, 2) ^ rotate(x, 13) ^ rotate(x, 22)
const sum1 = (x: number): number => rotate(x, 6) ^ rotate(x, 11) ^ rotate(x, 25)
const sigma0 = (x: number): number => rotate(x, 7) ^ rotate(x, 18) ^ x >>> 3
const sigma1 = (x: number): number => rotate(x, 17) ^ rotate(x, 19) ^ x >>> 10

function rotate (x: number, by: number): number {
  return x >>> by | x << 32 - by
}

function fractions (count: number, root: (prime: number) => number): Int32Array {
  const primes: number[] = []
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  return Int32Array.from(primes, (prime) => (root(prime) % 1) * 2 ** 32)
}
