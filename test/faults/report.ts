/** Gathers what the fault runs counted, beside what was to be reached. */
export class Report {
  missed = false
  readonly #forgives: boolean

  /** @param forgives whether a goal that is about time may be missed on a machine that is busy with other things */
  constructor (forgives: boolean) {
    this.#forgives = forgives
  }

  readonly #lines: string[][] = []

  /** Notes a figure, and whether it reached its goal; and, if the machine was seen to be busy, by what. */
  add (what: string, figure: string, goal: string, isReached: boolean, busy: string | null = null): void {
    const isForgiven = !isReached && busy !== null && this.#forgives
    if (!isReached && !isForgiven) this.missed = true
    const verdict = isReached ? 'yes' : isForgiven ? `not judged: ${busy}` : 'NO'
    this.#lines.push([what, figure, goal, verdict])
    process.stderr.write(`${verdict}: ${what}: ${figure} (goal: ${goal})\n`)
  }

  /** Prints all of it as a Markdown table. */
  print (title: string): void {
    const lines = [['run', 'counted', 'goal', 'reached'], ['---', '---', '---', '---'], ...this.#lines]
    console.log(`\n${title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`)
  }
}
