import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the project is. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A fenced block, and the heading it stands under. */
export interface Block {
  readonly heading: string
  readonly code: string
}

/** The text of a document by heading of the second level. */
function sectionsOf (document: string): Map<string, string> {
  return new Map(readFileSync(`${ROOT}${document}`, 'utf8').split(/^## /m).slice(1).map((section) => {
    const [heading = '', ...lines] = section.split('\n')
    return [heading, lines.join('\n')] as const
  }))
}

const sections = sectionsOf('README.md')

/** All blocks of a document in one language, in order. */
export function blocks (language: string, document = 'README.md'): Block[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')
  return [...sectionsOf(document)].flatMap(([heading, section]) => [...section.matchAll(fence)].map(([, code = '']) => ({ heading, code })))
}

/** The rows below the table under a heading whose first column has this title, without backticks around a cell. */
export function rows (heading: string, column: string): string[][] {
  const lines = (sections.get(heading) ?? '').split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${column} |`))
  if (start === -1) throw new Error(`README.md has no table of ${column} under ${heading}`)
  const found = lines.slice(start + 2)
  const end = found.findIndex((line) => !line.startsWith('|'))
  return found.slice(0, end).map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')))
}

/** What a block says that it prints: the comments behind `console.log(…)`, and those that begin with `prints:`. */
export function promises (code: string): string[] {
  return [...code.matchAll(/^console\.log\(.*\) \/\/ (.*)$|\/\/ prints: (.*)$/gm)].map(([, logged, printed]) => logged ?? printed ?? '')
}

/** A command of a console block, and the answer below it. */
export interface Command {
  readonly command: string
  readonly answer: string
}

export function commands (block: string): Command[] {
  return block.split(/^\$ /m).slice(1).map((part) => {
    const [command = '', ...answer] = part.trimEnd().split('\n')
    return { command, answer: answer.join('\n') }
  })
}

/** Does what curl would do with `-H` and a URL in single quotes. */
export function runCurl (command: string): Promise<Response> {
  const quoted = /'([^']*)'/.source
  const parts = new RegExp(`^curl (?:-i )?(?:-H ${quoted} )?${quoted}$`).exec(command)
  if (parts === null) throw new Error(`cannot read: ${command}`)
  const [, header, url = ''] = parts
  const [name = '', value = ''] = header?.split(': ') ?? []
  return fetch(url, header === undefined ? {} : { headers: { [name]: value } })
}
