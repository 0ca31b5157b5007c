import type { FastifyInstance } from 'fastify'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toStyle, type PageColors } from './colors.js'
import { PAGE_ROUTE } from './route.js'
import { findFile } from './views.js'

/** The paths of the assets, below the pages' prefix. */
export interface Assets {
  readonly style: string
  readonly script: string
}

/** Serves the stylesheet, with the colours of the application behind it, and the script, under paths that change with their content. */
export function registerAssets (app: FastifyInstance, folders: readonly string[], colors: PageColors): Assets {
  return {
    style: serve(app, folders, 'keys.css', 'text/css; charset=utf-8', toStyle(colors)),
    script: serve(app, folders, 'keys.js', 'text/javascript; charset=utf-8')
  }
}

function serve (app: FastifyInstance, folders: readonly string[], name: string, type: string, end = ''): string {
  const content = readFileSync(findFile(folders, join('assets', name)), 'utf8') + end
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 16)
  const path = `/assets/${hash}/${name}`
  app.get(path, PAGE_ROUTE, (_request, reply) => {
    return reply.header('cache-control', 'public, max-age=31536000, immutable')
      .header('x-content-type-options', 'nosniff').type(type).send(content)
  })
  return path
}
