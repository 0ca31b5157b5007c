import { readFileSync } from 'node:fs'
import { test } from 'tap'
import type { ApiKeyOptions } from '../lib/index.js'
import { attribute, buildPages } from './helpers/pages.js'

/** What comes behind our own stylesheet. */
async function styleOf (t: Parameters<typeof buildPages>[0], colors: object): Promise<string> {
  const { app, get } = await buildPages(t, { pages: { colors } })
  const { body } = await app.inject(attribute(await get('/keys'), /<link rel="stylesheet"[^>]*>/, 'href') ?? '')
  const own = readFileSync(new URL('../views/assets/keys.css', import.meta.url), 'utf8')
  t.ok(body.startsWith(own))
  return body.slice(own.length)
}

test('colours of the application come behind ours, for both schemes', async (t) => {
  const style = await styleOf(t, { page: '#FFF', line: { light: '#dddddd', dark: '#333333' } })
  t.match(style, ':where(:root){--ak-page:#FFF;--ak-line:#dddddd;}')
  t.match(style, '@supports (color:light-dark(#000,#fff)){:where(:root){--ak-page:light-dark(#FFF,#FFF);--ak-line:light-dark(#dddddd,#333333);}}')
  t.equal(await styleOf(t, {}), '')
})

test('an accent brings what stands on it and what is stronger, and can be read in both schemes', async (t) => {
  const style = await styleOf(t, { accent: '#0f766e' })
  t.match(style, /--ak-accent:light-dark\(#0f766e,#[0-9a-f]{6}\)/)
  t.match(style, '--ak-on-accent:light-dark(#ffffff,#')
  t.match(style, '--ak-accent-strong:light-dark(#0c5e58,#')
  const variables = new Map([...style.matchAll(/--ak-([\w-]+):light-dark\((#\w+),(#\w+)\)/g)].map(([, name, light, dark]) => [name, { light, dark }]))
  t.ok(ratio(variables.get('accent')?.dark, '#161a21') >= 4.5)
  t.match(await styleOf(t, { accent: '#fde047' }), /--ak-accent:light-dark\(#(?!fde047)[0-9a-f]{6},#fde047\);/, 'a light one is darker on light ground')
  t.match(await styleOf(t, { accent: '#fde047', surface: { light: '#000000', dark: '#000000' } }), '--ak-accent:light-dark(#fde047,#fde047)', 'on a ground of their own')
  t.match(await styleOf(t, { accent: '#777777', surface: { light: '#777777', dark: '#777777' } }), '--ak-accent:light-dark(#000000,#ffffff)', 'where nothing is enough, as far as it goes')
  t.match(await styleOf(t, { accent: '#fff' }), /--ak-accent:light-dark\(#(?!fff)[0-9a-f]{6},#ffffff\)/, 'also of three digits')
  const own = await styleOf(t, { accent: { light: '#fde047', dark: '#0f766e' }, onAccent: '#000', accentStrong: '#abc' })
  t.match(own, '--ak-accent:light-dark(#fde047,#0f766e)', 'those given by scheme are taken as they are')
  t.match(own, '--ak-on-accent:light-dark(#000,#000)')
  t.match(own, '--ak-accent-strong:light-dark(#abc,#abc)')
})

test('what is no colour stops the start', async (t) => {
  for (const [colors, message] of [
    [{ accent: 'red' }, /pages\.colors\.accent must be a colour such as '#0f766e', or an object with one for light and one for dark/],
    [{ accent: '#12345' }, /pages\.colors\.accent/], [{ accent: '#000;}' }, /pages\.colors\.accent/], [{ accent: { light: '#000' } }, /pages\.colors\.accent/],
    [{ accent: { light: '#000', dark: 'x' } }, /pages\.colors\.accent/], [{ accent: { light: '#000', dark: '#000', dim: '#000' } }, /pages\.colors\.accent/],
    [{ acent: '#000' }, /pages\.colors\.acent must be one of page, surface/], ['#000', /pages\.colors must be an object/]
  ] as const) {
    const options = { pages: { colors } } as unknown as ApiKeyOptions
    await t.rejects(buildPages(t, options), { code: 'FST_API_KEY_INVALID_OPTION', message })
  }
})

/** The contrast of two colours, by WCAG 2.2. */
function ratio (one = '', other = ''): number {
  const light = (color: string) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255).map((share) => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4)
    .reduce((sum, share, i) => sum + share * Number([0.2126, 0.7152, 0.0722][i]), 0)
  const [low = 0, high = 0] = [light(one), light(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}
