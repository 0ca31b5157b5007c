import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { digestOf, generateSecret, isWellFormed, MAX_SECRET_LENGTH } from '../lib/keys/secret.js'
import { wordsOf } from '../lib/keys/digests.js'
import { hashAscii } from '../lib/keys/sha256.js'
import { ask, HEADER, server } from './helpers/app.js'

/** The longest text whose padding fits into three blocks of 64 bytes. */
const LONGEST = 183

const asciiTexts = fc.string({ unit: 'binary-ascii', maxLength: LONGEST })
const otherCharacters = fc.integer({ min: 0x80, max: 0xffff }).map((code) => String.fromCharCode(code))

/** SHA-256 as hex, by these lines. */
function hexOf (text: string): string | null {
  const words = hashAscii(text)
  return words === null ? null : Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

/** The same by Node. */
const expectedHex = (text: string) => createHash('sha256').update(text).digest('hex')

/** A text with another character in place of one of its own, or at its end. */
const withCharacter = (text: string, at: number, character: string) => text.slice(0, at) + character + text.slice(at + 1)

t.test('the hash of the examples of the standard is what it says', async (t) => {
  t.equal(hexOf('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  t.equal(hexOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'), '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1')
  t.equal(hexOf(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

t.test('the hash is that of the library for texts of every length, whatever was hashed before', async (t) => {
  for (let length = 0; length <= LONGEST; length++) {
    for (const text of ['\0', '~', '\x7f'].map((character) => character.repeat(length))) t.equal(hexOf(text), expectedHex(text), `${length}`)
  }
  const others = fc.oneof(asciiTexts, fc.string({ unit: 'binary', maxLength: LONGEST + 10 }))
  fc.assert(fc.property(asciiTexts, others, asciiTexts, (text, other, last) => {
    const hex = hexOf(text)
    hexOf(other)
    return hex === expectedHex(text) && hexOf(last) === expectedHex(last)
  }), { numRuns: 2000 })
})

t.test('every well-formed secret is hashed as it is stored', async () => {
  const prefixes = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,15}$/)
  fc.assert(fc.property(prefixes, fc.integer({ min: 22, max: 128 }), (prefix, size) => {
    const secret = generateSecret(prefix, size)
    return hashAscii(secret)?.join() === wordsOf(digestOf(secret)).join()
  }))
})

t.test('longer texts are not hashed, and no key is so long', async (t) => {
  t.equal(hashAscii('x'.repeat(LONGEST + 1)), null)
  t.equal(hashAscii('x'.repeat(100_000)), null)
  t.ok(MAX_SECRET_LENGTH <= LONGEST)
})

t.test('texts with a character that is not ASCII are not hashed, wherever it is', async () => {
  fc.assert(fc.property(asciiTexts, otherCharacters, fc.nat(), (text, character, n) => {
    const other = withCharacter(text, n % (text.length + 1), character)
    return hashAscii(other) === null
  }), { numRuns: 1000 })
})

t.test('a character whose low byte is that of the key\'s own is not taken for it, even while the key is in the cache', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann')
  for (let i = 0; i < 2; i++) t.equal((await ask(app, key)).status, 200)
  for (let at = 0; at < key.length; at++) {
    for (const offset of [0x80, 0x100, 0x6100, 0xff00]) {
      const other = withCharacter(key, at, String.fromCharCode(key.charCodeAt(at) + offset))
      await t.rejects(app.apiKeys.verify(other), { code: 'FST_API_KEY_INVALID' })
    }
  }
  const other = withCharacter(key, 0, '\u0161')
  t.equal(key[0], 'a')
  t.equal(isWellFormed(other), false)
  const response = await app.inject({ url: '/me', headers: { [HEADER]: other } })
  t.match(response.json(), { code: 'FST_API_KEY_INVALID' })
  t.equal((await ask(app, key)).status, 200)
})
