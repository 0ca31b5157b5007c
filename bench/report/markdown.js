/**
 * A Markdown table that is readable as text too. The first column is text, the others are figures.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} lines
 */
export function table (head, lines) {
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)))
  const row = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => i === 0 ? '-'.repeat(width) : '-'.repeat(width - 1) + ':').join(' | ')} |`
  return [row(head), rule, ...lines.map(row)].join('\n')
}

/** @param {Record<string, string>} facts */
export function list (facts) {
  return Object.entries(facts).map(([name, fact]) => `- ${name}: ${fact}`).join('\n')
}

/**
 * A number with digits that mean something, thousands separated.
 *
 * @param {number} value
 * @param {number} [digits] after the point
 */
export function figure (value, digits = 0) {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
