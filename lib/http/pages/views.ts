import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { existsSync } from 'node:fs'
import { extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PageData, Views } from './data.js'

/** The package's own templates and assets, as far from here in `lib` as in `dist`. */
const OWN_VIEWS = fileURLToPath(new URL('../../../views/', import.meta.url))

declare module 'fastify' {
  interface FastifyReply {
    /** @internal Renders a template of the key pages; there within their scope only. */
    apiKeyViewAsync (page: string, data: object): Promise<string>
  }
}

/** Renders one page as HTML. The reply brings the application's `reply.locals`, which a layout of its own may need. */
export async function render<V extends keyof Views> (reply: FastifyReply, data: PageData & Views[V]): Promise<string> {
  return await reply.apiKeyViewAsync(`${data.page}.html`, data)
}

/**
 * The folders that hold templates, the one that wins first.
 *
 * @param own the option `pages.views`
 */
export function viewFolders (own: string | undefined): readonly string[] {
  return own === undefined ? [OWN_VIEWS] : [resolve(own), OWN_VIEWS]
}

/** Sets up the templates for one scope, apart from any that the application has. */
export async function registerViews (app: FastifyInstance, folders: readonly string[]): Promise<void> {
  // A name of our own: the plugin's cache goes by it, and an outer scope's cache is inherited.
  await app.register(view, { engine: { eta: new LayeredEta(folders) }, templates: OWN_VIEWS, propertyName: 'apiKeyView' })
}

/** Looks for a template in several folders, so that an application can replace single ones, layouts and partials too. */
class LayeredEta extends Eta {
  constructor (folders: readonly string[]) {
    super({ defaultExtension: '.html' })
    this.resolvePath = (name, options) => findFile(folders, withExtension(name, options?.filepath === undefined))
  }
}

/**
 * Finds a file by its path within one of the folders, whichever template asks for it.
 *
 * @throws when there is none; the message may reach a log, hence it names no folder
 */
export function findFile (folders: readonly string[], name: string): string {
  for (const folder of folders) {
    const path = join(folder, name)
    if (isWithin(folder, path) && existsSync(path)) return path
  }
  throw new Error(`There is no ${name} in the folders of the key pages`)
}

/** A page is always `.html`: what @fastify/view makes of its name can come from the application's cache. */
function withExtension (name: string, isPage: boolean): string {
  const extension = extname(name)
  if (isPage) return `${name.slice(0, name.length - extension.length)}.html`
  return extension === '' ? `${name}.html` : name
}

function isWithin (folder: string, path: string): boolean {
  return !relative(folder, path).startsWith('..')
}
