import type { FastifyReply, FastifyRequest } from 'fastify'
import { retryHeaders, statusOf } from '../../errors.js'
import { baseOf, sendBare, sendMessage, speakTo, type PagesContext } from './page.js'
import { visitorOf } from './signed-in.js'
import { TEXT, type TextName } from './text.js'

/** The texts of a failure: heading and explanation, by code, then by status. */
const TEXTS = new Map<string, [TextName, TextName]>([
  ['FST_API_KEY_NOT_FOUND', ['message.notFound', 'message.notFoundText']],
  ['FST_API_KEY_NO_PROFILE', ['message.noProfile', 'message.noProfileText']],
  ['FST_API_KEY_FOREIGN_ORIGIN', ['message.foreign', 'message.foreignText']],
  ['FST_API_KEY_INVALID_ARGUMENT', ['message.unreadable', 'message.unreadableText']],
  ['413', ['message.tooLarge', 'message.tooLargeText']],
  ['415', ['message.noForm', 'message.noFormText']],
  ['503', ['message.unavailable', 'message.unavailableText']]
])

const UNKNOWN_PAGE: [TextName, TextName] = ['message.noPage', 'message.noPageText']
const DEFECT: [TextName, TextName] = ['message.defect', 'message.defectText']
const REFUSAL: [TextName, TextName] = ['message.refused', 'message.refusedText']

/**
 * Makes the error handler of the pages. An application's own would answer with whatever its API answers with, and what
 * goes wrong here may name files. So the page says only what is written here; the rest is in the log.
 */
export function createFailureHandler (context: PagesContext) {
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const status = statusOf(error)
    if (status >= 500) request.log.error({ err: error }, 'a page for API keys failed')
    else request.log.info({ err: error }, 'a page for API keys refused a request')
    reply.headers(retryHeaders(error))
    const [heading, text] = request.is404 && status === 404 ? UNKNOWN_PAGE : textsOf(error, status)
    try {
      const { say } = speakTo(context, request)
      const link = { href: baseOf(context, request), text: say('page.backToKeys') }
      return await sendMessage(context, reply, status, { heading: say(heading), text: say(text), link: status === 401 ? null : link }, visitorOf(request))
    } catch (failure) {
      request.log.error({ err: failure }, 'the templates of the pages for API keys failed')
      return sendBare(reply, status, String(TEXT[heading]))
    }
  }
}

/** The code of an error; empty when it has none. */
export function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function textsOf (error: unknown, status: number): [TextName, TextName] {
  return TEXTS.get(codeOf(error)) ?? TEXTS.get(String(status)) ?? (status < 500 ? REFUSAL : DEFECT)
}
