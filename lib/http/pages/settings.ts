import type { FastifyRequest } from 'fastify'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkObject, isFunction, isPath, isPlainObject, isText, type Checks, type Refuse } from '../../checks.js'
import { checkColors, type PageColors } from './colors.js'
import { checkTexts } from './language.js'
import type { PageTexts } from './text.js'

/** What the option `pages` takes. */
export interface PagesOptions {
  /** Where the pages are served, below the prefix that `register` itself was given. Default `/keys`. */
  prefix?: string
  /** Where people without a session are sent, with `?next=` and the page they wanted. Without it they get a 401 page. */
  loginUrl?: string
  /** A folder whose templates win over the package's own, by file name. */
  views?: string
  /** What the service is called, for the pages' titles and heads. */
  name?: string
  /** Colours that replace the package's own, such as `{ accent: '#0f766e' }`. */
  colors?: PageColors
  /** Texts that replace the package's own, or a function of the request that gives them. */
  text?: PageTexts | ((request: FastifyRequest) => PageTexts)
}

/** The options of the pages with every default filled in. */
export interface PagesSettings {
  readonly prefix: string
  readonly loginUrl: string | undefined
  readonly views: string | undefined
  /** What the service is called; null for nothing. */
  readonly name: string | null
  readonly colors: PageColors
  /** The texts that are other than the package's own, by the request where an application speaks several languages. */
  readonly text: PageTexts | ((request: FastifyRequest) => PageTexts)
}

const PAGES: Checks = {
  prefix: { allowed: 'a path such as /keys, without a slash at its end', test: isPath },
  loginUrl: { allowed: 'a path on this server or an http(s) URL, in printable ASCII without blanks', test: isLoginUrl },
  views: { allowed: 'the path of a folder', test: isText(1, 4096) },
  name: { allowed: 'text of 1 to 100 characters', test: isText(1, 100) },
  colors: { allowed: 'an object with colours by name', test: isPlainObject },
  text: { allowed: 'an object with texts by name, or a function of the request', test: (value) => isPlainObject(value) || isFunction(value) }
}

/**
 * Checks the option `pages` and fills in the defaults; false when there are to be none.
 *
 * @throws what `refuse` makes of what is unknown or not allowed
 */
export function resolvePages (options: false | PagesOptions = {}, refuse: Refuse): false | PagesSettings {
  if (options === false) return false
  checkObject(options, 'pages', 'pages.', PAGES, refuse)
  const { prefix = '/keys', loginUrl, views, name = null, colors = {}, text = {} } = options
  checkColors(colors, 'pages.colors', refuse)
  if (typeof text !== 'function') checkTexts(text, 'pages.text', refuse)
  if (views !== undefined && !isFolder(views)) throw refuse('pages.views', 'the path of a folder', `${resolve(views)}, which is none`)
  // Copies, as the caller's object is not kept.
  return { prefix, loginUrl, views, name, colors: structuredClone(colors), text: typeof text === 'function' ? text : structuredClone(text) }
}

function isFolder (path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}

function isLoginUrl (value: unknown): boolean {
  // It goes into a header as it is. And browsers skip tabs and line ends, by which a path could become another host.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return false
  if (value.startsWith('/')) return !/^\/[/\\]/.test(value) && URL.canParse(value, 'http://localhost')
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)
}
