/** Gathers what the fault runs counted, beside what was to be reached. */
export class Report {
  missed = false
  readonly #forgives: boolean

  /** @param forgives whether goals that are about a few milliseconds may be missed, since the machine does other things too */
  constructor (forgives: boolean) {
    this.#forgives = forgives
  }

  readonly #lines: string[][] = []

  /** Notes a figure, and whether it reached its goal, which may be about a few milliseconds. */
  add (what: string, figure: string, goal: string, isReached: boolean, { isFine = false } = {}): void {
    const isForgiven = !isReached && isFine && this.#forgives
    if (!isReached && !isForgiven) this.missed = true
    const verdict = isReached ? 'yes' : isForgiven ? 'not judged' : 'NO'
    this.#lines.push([what, figure, goal, verdict])
    process.stderr.write(`${verdict}: ${what}: ${figure} (goal: ${goal})\n`)
  }

  /** Prints all of it as a Markdown table. */
  print (title: string): void {
    const lines = [['run', 'counted', 'goal', 'reached'], ['---', '---', '---', '---'], ...this.#lines]
    console.log(`\n${title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`)
  }
}
