import type { FastifyReply, FastifyRequest } from 'fastify'
import { keepProfile } from './admin/kept-profile.js'
import { readEntered, type Entered } from './entered.js'
import { readHint } from './form.js'
import { keep, keepFirst, type Kept } from './kept.js'
import { toLocalPath, toLoginUrl } from './login.js'
import { baseOf, sendMessage, speakTo, type PagesContext } from './page.js'
import type { TextName } from './text.js'
import { joinQuery, withQuery } from './urls.js'

/** Where somebody can go on after signing in, and what to say of it. */
interface Way {
  readonly back: string
  readonly text: TextName
  /** Whether what was entered is there again, but for what could not be kept. */
  readonly isAll: boolean
}

/** A redirect would lose the form without a word, so this says what became of it and keeps what was entered. */
export function endSession (context: PagesContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { loginUrl } = context.settings
  const { say } = speakTo(context, request)
  const { back, text, isAll } = findWay(context, request)
  return sendMessage(context, reply, 401, {
    heading: say('message.sessionEnded'),
    text: isAll ? say(text) : `${say(text)} ${say('message.sessionEndedPart')}`,
    // Without a page to sign in, the way back is good as soon as the person is signed in by other means.
    link: loginUrl === undefined ? { href: back, text: say('page.openAgain') } : { href: toLoginUrl(loginUrl, back), text: say('page.signIn') }
  })
}

/** Finds the page to return to, and what was entered, by the route that a form was sent to. */
function findWay (context: PagesContext, request: FastifyRequest): Way {
  const { body, originalUrl, query, routeOptions: { url } } = request
  const route = String(url).slice(context.prefix.length)
  const path = toLocalPath(originalUrl).replace(/\?.*$/, '')
  switch (route) {
    case '':
    case '/': return toWay(baseOf(context, request), 'message.sessionEndedCreate', keep(readForm(body), false))
    case '/:id/edit': return toWay(path, 'message.sessionEndedKept', keep(readForm(body), true))
    case '/:id/rotate': return toWay(path, 'message.sessionEndedKept', keepOverlap(body))
    case '/admin/user': return toAdminWay(withQuery(path, { id: readHint(query, 'id') ?? '' }), keepProfile(body))
    case '/admin/keys': return toWay(withQuery(`${baseOf(context, request)}/admin/user`, { id: readHint(query, 'user') ?? '' }), 'message.sessionEndedCreate', keep(readForm(body), false))
    case '/admin/revoke-all': return toAdminWay(withQuery(path, { user: readHint(query, 'user') ?? '' }), keepReason(body))
    // What only takes a form has no page of its own to come back to.
    default: return { back: toLocalPath(originalUrl).replace(/\/(enable|disable)(?=$|[?])/, ''), text: 'message.sessionEndedText', isAll: true }
  }
}

function toWay (path: string, text: TextName, { query, isAll }: Kept): Way {
  return { back: joinQuery(path, query), text, isAll }
}

/** For a form in which nothing need be entered. */
function toAdminWay (path: string, kept: Kept): Way {
  return toWay(path, kept.query === '' && kept.isAll ? 'message.sessionEndedText' : 'message.sessionEndedKept', kept)
}

function readForm (body: unknown): Entered | null {
  try {
    return readEntered(body)
  } catch {
    return null
  }
}

function keepOverlap (body: unknown): Kept {
  const overlap = readHint(body, 'overlap') ?? ''
  return /^\w{1,4}$/.test(overlap) ? { query: `overlap=${overlap}`, isAll: true } : { query: '', isAll: overlap === '' }
}

function keepReason (body: unknown): Kept {
  const reason = readHint(body, 'reason') ?? ''
  return keepFirst([reason === '' ? [] : [['reason', reason]]])
}
