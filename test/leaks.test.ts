import fc from 'fast-check'
import t from 'tap'
import { gitleaksRule } from '../lib/index.js'
import { generateSecret, MAX_KEY_SIZE, MIN_KEY_SIZE } from '../lib/keys/secret.js'

/** What gitleaks does with a rule: a keyword in lower-case text, the expression, and the entropy of what it holds. */
function scanner (rule: string): (text: string) => string[] {
  const value = (name: string) => new RegExp(`^${name} = (?:'''(.*)'''|"(.*)"|(.*))$`, 'm').exec(rule)?.slice(1).find((part) => part !== undefined) ?? ''
  const keywords: unknown = JSON.parse(value('keywords'))
  if (!Array.isArray(keywords)) throw new Error('no keywords')
  const regex = new RegExp(value('regex'), 'g')
  return (text) => {
    if (!keywords.some((keyword) => text.toLowerCase().includes(String(keyword)))) return []
    return [...text.matchAll(regex)].map((match) => match[Number(value('secretGroup'))] ?? '')
      .filter((secret) => entropy(secret) > Number(value('entropy')))
  }
}

function entropy (text: string): number {
  return [...new Set(text)].map((char) => text.split(char).length - 1).reduce((sum, count) => sum - count / text.length * Math.log2(count / text.length), 0)
}

t.test('the rule finds every key of every size, wherever it stands', async () => {
  const find = scanner(gitleaksRule(['ak', 'My_Shop']))
  const frames = ['', 'API_KEY=', 'key: "$"', '{"key":"$"}', 'https://x.example/?key=%22$%22', 'first\\n$\\nlast', '<$>', '($)', 'export const KEY = \'$\';', 'x\n$\ny', 'a,$,b', 'Authorization: Bearer $']
  fc.assert(fc.property(fc.integer({ min: MIN_KEY_SIZE, max: MAX_KEY_SIZE }), fc.constantFrom('ak', 'My_Shop'), fc.constantFrom(...frames), (size, prefix, frame) => {
    const key = generateSecret(prefix, size)
    const text = frame.includes('$') ? frame.replace('$', () => key) : frame + key
    return find(text).join() === key
  }), { numRuns: 500 })
})

t.test('the rule finds nothing in text that only resembles a key', async (t) => {
  const find = scanner(gitleaksRule(['ak', 'My_Shop']))
  const key = generateSecret('ak', MIN_KEY_SIZE)
  const random = key.slice(3)
  const misses = {
    'another prefix': `bk_${random}`,
    'a prefix in another case': `AK_${random}`,
    'a prefix at the end of a longer word': `break_${random}`,
    'another separator': `ak-${random}`,
    'one character short': key.slice(0, -1),
    'longer than any key': `ak_${random.repeat(5)}`,
    'a word that goes on': `${key}_test`,
    'a character that is not base62': `${key.slice(0, 12)}-${key.slice(13)}`,
    'a placeholder': `ak_${'x'.repeat(38)}`,
    'a pattern': `ak_${'0123'.repeat(9)}`,
    'a name in code': 'ak_thisIsJustSomeLongNameInCodeNo_1',
    'the first characters alone': key.slice(0, 7)
  }
  for (const [what, text] of Object.entries(misses)) t.strictSame(find(`key = "${text}"`), [], what)
})

t.test('the rule is one table of TOML, named for the first prefix', async (t) => {
  t.equal(gitleaksRule('My_Shop'), String.raw`[[rules]]
id = "my-shop-api-key"
description = "An API key that begins with My_Shop_"
regex = '''(?:\b|%[0-9A-Fa-f]{2}|\\[nrtf])((?:My_Shop)_[0-9A-Za-z]{28,134})\b'''
secretGroup = 1
entropy = 3.3
keywords = ["my_shop_"]
`)
})

t.test('what cannot be a prefix gets no rule', async (t) => {
  for (const prefixes of ['', 'a-b', "x'''", [], ['ak', 'ak'], ['ak', ''], null, undefined, 5]) {
    t.throws(() => gitleaksRule(prefixes as string), { code: 'FST_API_KEY_INVALID_ARGUMENT', message: /^prefixes must be a prefix of keys/ })
  }
})
