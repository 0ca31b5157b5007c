'use strict'

const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const ts = require('typescript')

/*
 * How tap turns TypeScript into JavaScript ("ts-node" in tsconfig.json): with TypeScript, which is asked once for each text. Every test
 * file is a process of its own that loads all of lib, and to translate that anew took longer than most tests.
 */

const CACHE = join(__dirname, '../../node_modules/.cache/fastify-apikey-tests')

/**
 * Types are not looked at.
 *
 * @param {string} input
 * @param {string} fileName for messages and the source map
 * @param {import('typescript').CompilerOptions} compilerOptions
 * @returns {import('typescript').TranspileOutput} with diagnostics when it is no TypeScript
 */
function transpile (input, fileName, compilerOptions) {
  const asked = JSON.stringify([ts.version, compilerOptions, fileName, input])
  const file = join(CACHE, createHash('sha256').update(asked).digest('hex'))
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Not asked before.
  }
  const made = ts.transpileModule(input, { fileName, compilerOptions, reportDiagnostics: true })
  if (made.diagnostics?.length) return made
  // Renamed when it is whole, for others may read it at the same time.
  const part = `${file}.${process.pid}`
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(part, JSON.stringify(made))
  renameSync(part, file)
  return made
}

/**
 * What ts-node calls.
 *
 * @param {{ service: { config: { options: import('typescript').CompilerOptions } }, nodeModuleEmitKind?: 'nodeesm' | 'nodecjs' }} made
 */
function create ({ service, nodeModuleEmitKind }) {
  const { moduleResolution, ...options } = service.config.options
  // TypeScript would look into package.json to know which of the two a module is. ts-node has done so.
  const compilerOptions = { ...options, module: nodeModuleEmitKind === 'nodecjs' ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext }
  return {
    /** @type {(input: string, about: { fileName: string }) => import('typescript').TranspileOutput} */
    transpile: (input, { fileName }) => transpile(input, fileName, compilerOptions)
  }
}

module.exports = { create, transpile }
