import { checkObject, isPlainObject, type Check, type Refuse } from '../../checks.js'

/** A colour such as `#0f766e`, or one for each scheme. */
export type Color = string | { readonly light: string, readonly dark: string }

/** The colours of the pages, by what they are used for. */
const NAMES = [
  'page', 'surface', 'sunken', 'line', 'field', 'text', 'muted', 'accent', 'accentStrong', 'onAccent', 'danger', 'dangerStrong', 'onDanger',
  'dangerSoft', 'success', 'successSoft', 'warning', 'warningSoft'
] as const

/** Colours that replace the package's own. What is absent stays, or follows `accent`. */
export type PageColors = { readonly [name in typeof NAMES[number]]?: Color }

const HEX = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i

const isHex = (value: unknown) => typeof value === 'string' && HEX.test(value)

const COLOR: Check = {
  allowed: "a colour such as '#0f766e', or an object with one for light and one for dark",
  test: (value) => isHex(value) || (isPlainObject(value) && Object.keys(value).sort().join() === 'dark,light' && Object.values(value).every(isHex))
}

/**
 * Checks the option `pages.colors`.
 *
 * @throws what `refuse` makes of what is unknown or not allowed
 */
export function checkColors (colors: unknown, name: string, refuse: Refuse): asserts colors is PageColors {
  checkObject(colors, name, `${name}.`, Object.fromEntries(NAMES.map((name) => [name, COLOR])), refuse)
}

type Scheme = 'light' | 'dark'

/** What text and links stand on by default, where an application says nothing else. */
const GROUND = { light: '#f7f8fa', dark: '#161a21' } as const
const END = { light: '#000000', dark: '#ffffff' } as const
const ON = { light: '#ffffff', dark: '#15172e' } as const

/** Enough for text, by WCAG 2.2. */
const CONTRAST = 4.5

/** The rules that set the colours, for the end of the stylesheet; empty when there are none. */
export function toStyle (colors: PageColors): string {
  const light = inScheme(colors, 'light')
  const dark = inScheme(colors, 'dark')
  if (light.size === 0) return ''
  const plain = [...light].map(([name, color]) => `--ak-${name}:${color};`).join('')
  const both = [...light].map(([name, color]) => `--ak-${name}:light-dark(${color},${dark.get(name)});`).join('')
  // As in the stylesheet: browsers without light-dark() stay light.
  return `\n:where(:root){${plain}}\n@supports (color:light-dark(#000,#fff)){:where(:root){${both}}}\n`
}

/** The colours of one scheme, by the names of their variables. */
function inScheme (colors: PageColors, scheme: Scheme): Map<string, string> {
  const given = Object.entries(colors).map(([name, color]) => [toVariable(name), typeof color === 'string' ? color : color[scheme]] as const)
  const found = new Map<string, string>(given)
  const accent = found.get('accent')
  if (accent === undefined) return found
  // One colour for both schemes is too dark or too light for one of them. What stands on it and what is stronger follows it.
  const fitting = typeof colors.accent === 'string' ? fit(accent, found.get('surface') ?? GROUND[scheme], scheme) : accent
  const on = contrast(fitting, ON.light) >= contrast(fitting, ON.dark) ? ON.light : ON.dark
  return new Map([['on-accent', on], ['accent-strong', mix(fitting, END[scheme], 0.2)], ...found, ['accent', fitting]])
}

function toVariable (name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The colour, as much nearer to black or white as it takes to be read on its ground. */
function fit (color: string, ground: string, scheme: Scheme): string {
  const share = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].find((share) => contrast(mix(color, END[scheme], share), ground) >= CONTRAST)
  return mix(color, END[scheme], share ?? 1)
}

function toChannels (color: string): [red: number, green: number, blue: number] {
  const digits = color.length === 4 ? [...color.slice(1)].map((digit) => digit + digit).join('') : color.slice(1)
  const value = parseInt(digits, 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

function mix (color: string, other: string, share: number): string {
  const to = toChannels(other)
  return `#${toChannels(color).map((channel, i) => Math.round(channel * (1 - share) + Number(to[i]) * share).toString(16).padStart(2, '0')).join('')}`
}

/** The contrast ratio of two colours, from 1 to 21, by WCAG 2.2. */
function contrast (one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

function luminance (color: string): number {
  const [red, green, blue] = toChannels(color).map((channel) => channel / 255).map((share) => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4)
  return 0.2126 * Number(red) + 0.7152 * Number(green) + 0.0722 * Number(blue)
}
