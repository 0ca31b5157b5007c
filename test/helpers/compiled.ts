import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import ts from 'typescript'
import { transpile } from './transpiler.cjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const OPTIONS = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }

/**
 * Turns lib into JavaScript in the folder of the test, so that processes of their own start in a moment and without tap.
 *
 * @returns the URL of the package's entry
 */
export function compiled (t: Test): string {
  const folder = t.testdir()
  for (const name of readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const out = join(folder, 'dist', name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(out), { recursive: true })
    writeFileSync(out, transpile(readFileSync(join(ROOT, 'lib', name), 'utf8'), name, OPTIONS).outputText)
  }
  for (const shipped of ['drizzle', 'package.json']) cpSync(join(ROOT, shipped), join(folder, shipped), { recursive: true })
  return pathToFileURL(join(folder, 'dist', 'index.js')).href
}
