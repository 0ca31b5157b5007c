import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { digestOf, generateSecret, isKeyPrefix, isMeantAsKey, isWellFormed, MAX_SECRET_LENGTH, startOf } from '../lib/keys/secret.js'
import { ask, HEADER, server } from './helpers/app.js'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const prefixes = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,15}$/)
const sizes = fc.integer({ min: 22, max: 128 })

/** The checksum as the form describes it, by another way than the package's. */
function checksumOf (random: string): string {
  const value = BigInt(crc32(random))
  return Array.from({ length: 6 }, (_, i) => ALPHABET[Number(value / 62n ** BigInt(5 - i) % 62n)]).join('')
}

t.test('a secret is prefix, underscore, random base62 of the size, and six characters of checksum', async () => {
  fc.assert(fc.property(prefixes, sizes, (prefix, size) => {
    const secret = generateSecret(prefix, size)
    const random = secret.slice(prefix.length + 1, -6)
    return secret.startsWith(`${prefix}_`) && random.length === size && /^[0-9A-Za-z]+$/.test(random) &&
      secret.endsWith(checksumOf(random)) && secret.length <= MAX_SECRET_LENGTH && isWellFormed(secret)
  }))
})

t.test('the checksum is the CRC-32 that everybody computes, in six base62 digits padded with 0', async (t) => {
  // CRC-32 of "123456789" is 0xcbf43926 by its definition, which shows that the function underneath is that one.
  t.equal(crc32('123456789'), 0xcbf43926)
  const known: [string, string][] = [
    ['0000000000000000000000', checksumOf('0000000000000000000000')],
    ['ABCDEFGHIJKLMNOPQRSTUV', checksumOf('ABCDEFGHIJKLMNOPQRSTUV')]
  ]
  for (const [random, checksum] of known) {
    t.equal(isWellFormed(`ak_${random}${checksum}`), true)
    t.equal(isWellFormed(`ak_${random}${checksum.replace(/.$/, (c) => c === '0' ? '1' : '0')}`), false)
  }
  // A checksum below 62^5 starts with the padding.
  const small = Array.from({ length: 1000 }, (_, i) => `AAAAAAAAAAAAAAAAAAA${String(i).padStart(3, '0')}`).find((random) => crc32(random) < 62 ** 5)
  t.ok(small !== undefined && checksumOf(small).startsWith('0') && isWellFormed(`ak_${small}${checksumOf(small)}`))
})

t.test('every character of the alphabet is equally likely', async (t) => {
  const counts = new Map(Array.from(ALPHABET, (character) => [character, 0]))
  const samples = 4000
  for (let i = 0; i < samples; i++) {
    for (const character of generateSecret('ak', 128).slice(3, -6)) counts.set(character, (counts.get(character) ?? NaN) + 1)
  }
  const expected = samples * 128 / 62
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // With 61 degrees of freedom the mean is 61 and 200 is passed once in 10^16 runs; a plain modulo of a byte gives 3,900.
  t.ok(chiSquare < 200, `chi-square ${chiSquare}`)
})

t.test('no two secrets are the same', async (t) => {
  t.equal(new Set(Array.from({ length: 10_000 }, () => generateSecret('ak', 22))).size, 10_000)
})

t.test('every single typing error in the random part or the checksum is found, and every swap of neighbours in the random part', async (t) => {
  const secret = generateSecret('my_app', 32)
  let tried = 0
  for (let i = 'my_app_'.length; i < secret.length; i++) {
    for (const character of ALPHABET + '-_ .') {
      if (character === secret[i]) continue
      tried++
      if (isWellFormed(secret.slice(0, i) + character + secret.slice(i + 1))) t.fail('a typing error was taken')
    }
    if (isWellFormed(secret.slice(0, i) + secret.slice(i + 1))) t.fail('a lost character was taken')
    const [a = '', b = ''] = secret.slice(i, i + 2)
    if (a !== b && i < secret.length - 7 && isWellFormed(secret.slice(0, i) + b + a + secret.slice(i + 2))) t.fail('a swap was taken')
  }
  t.equal(tried, 38 * 65)
})

t.test('no text whatever makes the check throw, and hardly any passes', async () => {
  const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,17}_[0-9A-Za-z]{20,140}$/))
  fc.assert(fc.property(texts, (text) => isWellFormed(text) === false && typeof isMeantAsKey(text, ['ak']) === 'boolean'), { numRuns: 1000 })
})

t.test('random parts of 22 to 128 characters are taken, whatever size new keys have', async (t) => {
  for (const [size, taken] of [[21, false], [22, true], [128, true], [129, false]] as const) {
    const random = 'x'.repeat(size)
    t.equal(isWellFormed(`ak_${random}${checksumOf(random)}`), taken, `${size}`)
  }
})

t.test('a prefix is a letter and up to 15 letters, digits or underscores', async (t) => {
  for (const prefix of ['a', 'Z', 'ak', 'my_app', 'a_', 'a__b', 'a123456789012345']) t.equal(isKeyPrefix(prefix), true, prefix)
  for (const prefix of ['', '_', '1a', 'a-b', 'a b', 'ä', 'a1234567890123456', 'ak\n', null, 1, ['ak']]) t.equal(isKeyPrefix(prefix), false, String(prefix))
})

t.test('with an underscore at the end of the prefix the parts are still told apart', async (t) => {
  const secret = generateSecret('live_', 22)
  t.match(secret, /^live__[0-9A-Za-z]{28}$/)
  t.equal(isWellFormed(secret), true)
  t.equal(startOf(secret), secret.slice(0, 'live__'.length + 4))
})

t.test('a text is meant as a key by one of the prefixes and the form, or by its checksum', async (t) => {
  const own = generateSecret('ak', 32)
  const foreign = generateSecret('other', 32)
  const mistyped = (secret: string) => secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0')
  t.equal(isMeantAsKey(own, ['x', 'ak']), true)
  t.equal(isMeantAsKey(mistyped(own), ['ak']), true)
  t.equal(isMeantAsKey(foreign, ['ak']), true, 'as keys from before a change of prefix')
  t.equal(isMeantAsKey(mistyped(foreign), ['ak']), false)
  t.equal(isMeantAsKey('eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo', ['ak']), false)
  t.equal(isMeantAsKey('ghp_16C7e42F292c6912E7710c838347Ae178B4a', ['ak']), false)
})

t.test('the digest is SHA-256, 32 bytes as 32 characters', async (t) => {
  t.equal(Buffer.from(digestOf('abc'), 'latin1').toString('hex'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

t.test('keys made before a change of prefix and keySize go on working', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const before = await server(t, { database, prefix: 'old', keySize: 22 })
  const { key } = await before.apiKeys.create('ann')
  t.match(key, /^old_[0-9A-Za-z]{28}$/)
  await before.close()

  const after = await server(t, { database, prefix: ['new_1', 'newer'], keySize: 128, header: ['X-Api-Authorization', 'Authorization'] })
  const made = await after.apiKeys.create('ann')
  t.match(made.key, /^new_1_[0-9A-Za-z]{134}$/)
  for (const secret of [key, made.key]) {
    t.match(await ask(after, secret), { status: 200, body: { user: { id: 'ann' } } })
    t.equal((await after.inject({ url: '/me', headers: { authorization: `Bearer ${secret}` } })).statusCode, 200)
  }
  t.equal((await after.inject({ url: '/me', headers: { [HEADER]: generateSecret('newer', 32) } })).statusCode, 401)
})
