import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { figure } from '../report/markdown.js'

/**
 * One small diagram.
 *
 * @typedef {object} Panel
 * @property {string} title
 * @property {(point: import('../scale.js').Point) => number} value
 * @property {number} [digits]
 */

/** @type {readonly Panel[]} */
const PANELS = [
  { title: 'Look-up on a miss, µs', value: ({ lookUp }) => lookUp, digits: 1 },
  { title: 'Start-up, register to ready, ms', value: ({ ready }) => ready, digits: 1 },
  { title: 'createMany, keys a second', value: ({ createMany }) => createMany },
  { title: 'Memory when started, MB', value: ({ rssStarted }) => rssStarted / 1e6 },
  { title: 'Memory with 100k keys in use, MB', value: ({ rssUsed }) => rssUsed / 1e6 },
  { title: 'File, bytes a key', value: ({ file, keys }) => file / keys }
]

const COLUMNS = 3
const WIDTH = 300
const HEIGHT = 200
/** Room around the drawn area of a panel. */
const PAD = { left: 24, right: 24, top: 52, bottom: 40 }
/** Room within it, for the first and the last label. */
const INSET = 26

const STYLE = `
  .card { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-weight: 600 } .label { paint-order: stroke; stroke: #ffffff; stroke-width: 4 }
  .scale { fill: #59636e; font-size: 11px } .axis { stroke: #d1d9e0 } .line { stroke: #0969da; fill: none; stroke-width: 2 } .dot { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117 } text { fill: #f0f6fc } .label { stroke: #0d1117 } .scale { fill: #9198a1 } .axis { stroke: #3d444d } .line { stroke: #4493f8 } .dot { fill: #4493f8 }
  }`

/**
 * Draws how cost grows into docs/images/scale.svg. Every axis of values begins at 0, the number of keys is logarithmic.
 *
 * @param {readonly import('../scale.js').Point[]} points
 */
export function writePlot (points) {
  const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}scale.svg`, draw(points))
  console.log('Drawn in docs/images/scale.svg')
}

/** @param {readonly import('../scale.js').Point[]} points */
function draw (points) {
  const width = COLUMNS * WIDTH
  const height = Math.ceil(PANELS.length / COLUMNS) * HEIGHT
  const panels = PANELS.map((panel, i) =>
    `<g transform="translate(${i % COLUMNS * WIDTH} ${Math.floor(i / COLUMNS) * HEIGHT})">${drawPanel(panel, points)}</g>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">Six diagrams of how cost grows with the number of keys; the figures are in the table of the same run</title>
<style>${STYLE}
</style>
<rect class="card" width="${width}" height="${height}" rx="8"/>
${panels.join('\n')}
</svg>
`
}

/**
 * @param {Panel} panel
 * @param {readonly import('../scale.js').Point[]} points
 */
function drawPanel ({ title, value, digits = 0 }, points) {
  const top = Math.max(...points.map(value))
  const [first, last] = [points[0], points.at(-1)].map((point) => Math.log10(point?.keys ?? 1))
  const span = Math.max(1, Number(last) - Number(first))
  const bottom = HEIGHT - PAD.bottom
  const spots = points.map((point) => ({
    x: round(PAD.left + INSET + (Math.log10(point.keys) - Number(first)) / span * (WIDTH - PAD.left - PAD.right - 2 * INSET)),
    y: round(bottom - value(point) / top * (bottom - PAD.top)),
    keys: shorten(point.keys),
    label: figure(value(point), digits)
  }))
  return [
    `<text class="title" x="${PAD.left}" y="24">${title}</text>`,
    `<path class="axis" d="M${PAD.left} ${bottom}H${WIDTH - PAD.right}"/>`,
    `<path class="line" d="M${spots.map(({ x, y }) => `${x} ${y}`).join('L')}"/>`,
    ...spots.map(({ x, y, keys, label }) => `<circle class="dot" cx="${x}" cy="${y}" r="3"/>` +
      `<text class="label" x="${x}" y="${y - 8}" text-anchor="middle">${label}</text>` +
      `<text class="scale" x="${x}" y="${bottom + 18}" text-anchor="middle">${keys}</text>`)
  ].join('')
}

/** @param {number} keys */
function shorten (keys) {
  return keys < 1e6 ? `${keys / 1e3}k` : `${keys / 1e6}M`
}

/** @param {number} value */
function round (value) {
  return Math.round(value * 10) / 10
}
