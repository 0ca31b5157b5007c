import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Internals } from '../../keys/internals.js'
import type { ApiKeys } from '../../keys/service.js'
import type { GetUser, Visitor } from '../visitor.js'
import type { Assets } from './assets.js'
import type { Example } from './curl.js'
import { readField } from './form.js'
import type { MessageView, Notice, UserView, Views } from './data.js'
import { toLocalPath } from './login.js'
import { languageOf, type Language } from './language.js'
import type { PagesSettings } from './settings.js'
import { render } from './views.js'

/** What the pages work with. */
export interface PagesContext {
  readonly service: ApiKeys
  readonly internals: Internals
  readonly settings: PagesSettings
  readonly getUser: GetUser
  readonly realm: string
  /** The scopes that the application declares, with their descriptions; null when it declares none. */
  readonly scopes: ReadonlyMap<string, string> | null
  /** The header that carries keys. */
  readonly header: string
  /** A route to try a key with these scopes on. */
  readonly exampleFor: (scopes: readonly string[]) => Example
  /** Where the pages are, the prefixes of outer scopes included. */
  readonly prefix: string
  readonly assets: Assets
  readonly now: () => number
}

/** Where a page leads back to. */
export interface Home {
  readonly href: string
  readonly name: string
}

/** A page to send: its status, and what its template is given. */
export interface Page<V extends keyof Views> {
  readonly status: number
  readonly view: V
  readonly title: string
  readonly data: Views[V]
  readonly visitor?: Visitor | null
  readonly notice?: Notice | null
  /** Where the way back leads and what that is called, and whose key it is about; by default the list, and the visitor's own. */
  readonly home?: Home
  readonly owner?: string | null
}

/**
 * For every answer of the pages but the assets. Set on the reply before it is sent, so that an application can change
 * them in an onSend hook where a layout of its own needs more.
 */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  // With no-referrer, a form on plain http would be sent with `Origin: null`.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
}

/** The path of the list, with what the request has for parameters of outer prefixes such as `/:team`. */
export function baseOf ({ prefix }: Pick<PagesContext, 'prefix'>, request: FastifyRequest): string {
  return toLocalPath(prefix.replace(/:(\w+)(?:\([^)]*\))?/g, (_whole, name: string) => encodeURIComponent(String(readField(request.params, name)))))
}

/** The language in which a request is answered. */
export function speakTo ({ settings }: Pick<PagesContext, 'settings'>, request: FastifyRequest): Language {
  return languageOf(typeof settings.text === 'function' ? settings.text(request) : settings.text)
}

/** Renders a page and sends it. */
export async function sendPage<V extends keyof Views> (context: PagesContext, reply: FastifyReply, page: Page<V>): Promise<FastifyReply> {
  const base = baseOf(context, reply.request)
  const { say, locale, direction } = speakTo(context, reply.request)
  const html = await render<V>(reply, {
    ...page.data,
    page: page.view,
    title: page.title,
    name: context.settings.name,
    locale,
    direction,
    t: say,
    base,
    home: page.home?.href ?? base,
    homeName: page.home?.name ?? say('page.back'),
    owner: page.owner ?? null,
    admin: page.visitor?.user.admin === true,
    header: context.header,
    assets: { style: base + context.assets.style, script: base + context.assets.script },
    user: page.visitor ? toUserView(page.visitor) : null,
    notice: page.notice ?? null
  })
  return reply.code(page.status).headers(HEADERS).type('text/html; charset=utf-8').send(html)
}

/** Sends a page that only says something. A 401 gets its challenge. */
export function sendMessage (
  context: PagesContext, reply: FastifyReply, status: number, data: MessageView, visitor: Visitor | null = null,
  around: Pick<Page<'message'>, 'home' | 'owner'> = {}
): Promise<FastifyReply> {
  if (status === 401) challenge(context, reply)
  return sendPage(context, reply, { status, view: 'message', title: data.heading, data, visitor, ...around })
}

/** Sends a bare page when the templates themselves fail. */
export function sendBare (reply: FastifyReply, status: number, text: string): FastifyReply {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>API keys</title><p>${text}</p></html>`
  return reply.code(status).headers(HEADERS).type('text/html; charset=utf-8').send(html)
}

/** The part of a visitor that templates see. */
function toUserView ({ user, owner }: Visitor): UserView {
  return { id: user.id, name: user.name || user.id, owner: owner === user.id ? null : owner }
}

/** Sends the browser elsewhere, after a form with a GET. */
export function redirect (reply: FastifyReply, url: string): FastifyReply {
  const isReading = reply.request.method === 'GET' || reply.request.method === 'HEAD'
  return reply.headers(HEADERS).redirect(url, isReading ? 302 : 303)
}

/** RFC 9110 wants a challenge with each 401. What helps here is a session, for which no scheme is registered. */
function challenge ({ realm }: PagesContext, reply: FastifyReply): void {
  if (!reply.hasHeader('www-authenticate')) reply.header('www-authenticate', `Session realm="${realm}"`)
}
