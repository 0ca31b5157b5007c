import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../results/', import.meta.url))

/**
 * Writes a report for people and for programs.
 *
 * @param {string} name
 * @param {string} markdown
 * @param {object} data
 */
export function writeResults (name, markdown, data) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}${name}.md`, markdown)
  writeFileSync(`${folder}${name}.json`, JSON.stringify(data, null, 2) + '\n')
  console.log(`Written to bench/results/${name}.md and ${name}.json`)
}
