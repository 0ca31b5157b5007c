import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import ts from 'typescript'
import { ROOT } from './readme.js'

/** Modules, compiled where they find the package by its name, as its own exports tell. */
export interface Compiled {
  readonly program: ts.Program
  /** What the compiler finds wrong. */
  readonly faults: string[]
  /** The compiled files, each in a folder of its own. */
  readonly files: string[]
}

/** Compiles modules with the project's own settings, against the built package. */
export function compile (folder: string, sources: readonly string[]): Compiled {
  const files = sources.map((source, i) => {
    const file = join(folder, String(i), 'example.ts')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, source)
    return file
  })
  const program = ts.createProgram(files, settings())
  const faults = ts.getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.text ?? ''}\n${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  program.emit()
  return { program, faults, files: files.map((file) => file.replace(/\.ts$/, '.js')) }
}

function settings (): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT)
  // The project's own files see lib; these are to see what users see.
  const { paths, noEmit, rootDir, allowJs, checkJs, ...strict } = options
  return strict
}

/** A module that runs. */
export interface Running {
  /** Resolves to what it prints until there is a line that matches. */
  printed (line: RegExp): Promise<string>
  /** Resolves to all that it prints and its exit code. */
  ended: Promise<{ output: string, errors: string, code: number | null }>
}

/** Runs a compiled module in a process and a folder of its own, until it ends or the test does. */
export function run (t: Test, file: string): Running {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test' }
  const child = spawn(process.execPath, [file], { cwd: dirname(file), env, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  t.teardown(async () => {
    child.kill()
    await closed
  })
  const output = collect(child.stdout)
  const errors = collect(child.stderr)
  return {
    printed: (line) => waitFor(child, output, errors, line),
    ended: closed.then(() => ({ output: output.text, errors: errors.text, code: child.exitCode }))
  }
}

function collect (stream: NodeJS.ReadableStream): { text: string } {
  const collected = { text: '' }
  stream.on('data', (chunk: Buffer) => { collected.text += chunk.toString() })
  return collected
}

function waitFor (child: ChildProcess, output: { text: string }, errors: { text: string }, line: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      const found = line.exec(output.text)?.[0]
      if (found !== undefined) resolve(found)
    })
    child.on('close', () => reject(new Error(`ended without printing ${line}: ${output.text}${errors.text}`)))
  })
}
