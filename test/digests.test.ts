import fc from 'fast-check'
import t from 'tap'
import { Cache } from '../lib/keys/cache.js'
import { DigestTable, wordsOf } from '../lib/keys/digests.js'
import { digestOf } from '../lib/keys/secret.js'
import { hashAscii } from '../lib/keys/sha256.js'

const WORDS = 8

/** First words that belong to few places of a table, the first and the last among them, whatever its size. */
const FIRST_WORDS = [0, 1, 14, 15, 31, -1, -2, 0x7fffffff, -0x80000000, 0x10000, 0x12345670]

/** Digests that differ in one word, each word in turn; one of them is all zeros. */
const digests = fc.tuple(fc.constantFrom(...FIRST_WORDS), fc.integer({ min: 1, max: WORDS - 1 }), fc.constantFrom(0, 1, -1)).map(([first, at, word]) => {
  const digest = new Int32Array(WORDS)
  digest[0] = first
  digest[at] = word
  return digest
})

const operations = fc.array(fc.tuple(fc.constantFrom('set', 'set', 'set', 'delete', 'get'), digests), { maxLength: 200, size: 'max' })

t.test('the table does what a map does, with digests that belong to the same places too', async () => {
  fc.assert(fc.property(operations, (operations) => {
    const table = new DigestTable<number>()
    const model = new Map<string, number>()
    const all = new Map(operations.map(([, digest]) => [digest.join(), digest]))
    for (const [i, [verb, digest]] of operations.entries()) {
      const key = digest.join()
      if (verb === 'set') {
        table.set(digest, i)
        model.set(key, i)
      } else if (verb === 'delete') {
        table.delete(digest)
        model.delete(key)
      }
      if (table.size !== model.size) return false
      for (const [key, digest] of all) if (table.get(digest) !== model.get(key)) return false
    }
    return true
  }))
})

t.test('the table grows, and nothing is lost by that or by emptying it', async (t) => {
  const table = new DigestTable<number>()
  const many = Array.from({ length: 5000 }, (_, i) => wordsOf(digestOf(`${i}`)))
  for (const [i, digest] of many.entries()) table.set(digest, i)
  t.equal(table.size, many.length)
  t.equal(many.every((digest, i) => table.get(digest) === i), true)
  for (const [i, digest] of many.entries()) if (i % 3 === 0) table.delete(digest)
  t.equal(many.every((digest, i) => table.get(digest) === (i % 3 === 0 ? undefined : i)), true)
  for (const digest of many) table.delete(digest)
  t.equal(table.size, 0)
  t.equal(many.every((digest) => table.get(digest) === undefined), true)
})

t.test('a table that cannot grow for want of memory stays as it was', async (t) => {
  const table = new DigestTable<number>()
  const many = Array.from({ length: 9 }, (_, i) => wordsOf(digestOf(`${i}`)))
  for (const digest of many.slice(0, 8)) table.set(digest, 1)
  const { Int32Array } = globalThis
  t.teardown(() => Object.assign(globalThis, { Int32Array }))
  Object.assign(globalThis, { Int32Array: function () { throw new RangeError('Array buffer allocation failed') } })
  t.throws(() => table.set(many[8] as Int32Array, 1), RangeError)
  Object.assign(globalThis, { Int32Array })
  t.strictSame(many.map((digest) => table.get(digest)), [1, 1, 1, 1, 1, 1, 1, 1, undefined])
  t.equal(table.size, 8)
})

t.test('the digests are copied, so that one array will do for all of them', async (t) => {
  const table = new DigestTable<string>()
  const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`)
  const hash = (text: string) => hashAscii(text) as Int32Array
  for (const text of texts) table.set(hash(text), text)
  t.strictSame(texts.map((text) => table.get(hash(text))), texts)
})

t.test('a cache on such tables gives what one on maps gives', async () => {
  fc.assert(fc.property(fc.integer({ min: 2, max: 40 }), operations, (max, operations) => {
    const cache = new Cache<Int32Array, number>(max, () => new DigestTable())
    const model = new Cache<string, number>(max)
    for (const [i, [verb, digest]] of operations.entries()) {
      const key = digest.join()
      if (verb === 'set') {
        cache.set(digest, i)
        model.set(key, i)
      } else if (verb === 'delete') {
        cache.delete(digest)
        model.delete(key)
      } else if (cache.get(digest) !== model.get(key)) return false
      if (cache.size !== model.size || cache.size > max) return false
    }
    return true
  }))
})

t.test('the words of what is no digest are those of zeros in place of what it lacks', async (t) => {
  t.strictSame([...wordsOf('')], new Array(WORDS).fill(0))
  t.strictSame([...wordsOf('\x01\x02\x03\x04\xff\x00\x00')], [0x01020304, -0x1000000, 0, 0, 0, 0, 0, 0])
  t.strictSame([...wordsOf('\xff'.repeat(33))], new Array(WORDS).fill(-1))
})
