/** Gathers what the fault runs counted, beside what was to be reached. */
export class Report {
  missed = false
  readonly #lines: string[][] = []

  /** Notes a figure, and whether it reached its goal. */
  add (what: string, figure: string, goal: string, isReached: boolean): void {
    if (!isReached) this.missed = true
    this.#lines.push([what, figure, goal, isReached ? 'yes' : 'NO'])
    process.stderr.write(`${isReached ? 'reached' : 'MISSED'}: ${what}: ${figure} (goal: ${goal})\n`)
  }

  /** Prints all of it as a Markdown table. */
  print (title: string): void {
    const lines = [['run', 'counted', 'goal', 'reached'], ['---', '---', '---', '---'], ...this.#lines]
    console.log(`\n${title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`)
  }
}
