import type { FastifyReply, FastifyRequest } from 'fastify'
import type { MessageView } from './data.js'
import { baseOf, sendBare, sendMessage, type PagesContext } from './page.js'

type Text = Omit<MessageView, 'link'>

/** By code, then by status. */
const TEXTS = new Map(Object.entries<Text>({
  FST_API_KEY_NOT_FOUND: { heading: 'There is no such key', text: 'None of your API keys has this address.' },
  FST_API_KEY_NO_PROFILE: { heading: 'You have no access to the API', text: 'Ask the people who run this service to give you access, then open this page again.' },
  FST_API_KEY_FOREIGN_ORIGIN: { heading: 'This form came from another site', text: 'Nothing was changed. Make and revoke keys on the pages of this site only.' },
  FST_API_KEY_INVALID_ARGUMENT: { heading: 'The form could not be read', text: 'Nothing was changed. Go back to your keys and try again.' },
  413: { heading: 'The form is too large', text: 'Nothing was changed. Go back to your keys and try again with a shorter name.' },
  415: { heading: 'The form could not be read', text: 'Nothing was changed. This page takes forms only, in the format application/x-www-form-urlencoded.' },
  503: { heading: 'API keys cannot be reached at the moment', text: 'Try again in a minute. If you were making or revoking a key, look at your keys first.' }
}))

const DEFECT: Text = { heading: 'Something went wrong', text: 'This was not your fault. It has been noted for the people who run this service.' }
const REFUSAL: Text = { heading: 'The request was refused', text: 'Go back to your keys and try again.' }

/**
 * Makes the error handler of the pages. An application's own would answer with whatever its API answers with, and what
 * goes wrong here may name files. So the page says only what is written here; the rest is in the log.
 */
export function createFailureHandler (context: PagesContext) {
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const status = statusOf(error)
    if (status >= 500) request.log.error({ err: error }, 'a page for API keys failed')
    else request.log.info({ err: error }, 'a page for API keys refused a request')
    const text = textOf(error, status)
    try {
      const link = { href: baseOf(context, request), text: 'Back to your keys' }
      return await sendMessage(context, reply, status, { ...text, link: status === 401 ? null : link })
    } catch (failure) {
      request.log.error({ err: failure }, 'the templates of the pages for API keys failed')
      return sendBare(reply, status, text.heading)
    }
  }
}

/** The code of an error; empty when it has none. */
export function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function statusOf (error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  return status >= 400 && status < 600 ? status : 500
}

function textOf (error: unknown, status: number): Text {
  return TEXTS.get(codeOf(error)) ?? TEXTS.get(String(status)) ?? (status < 500 ? REFUSAL : DEFECT)
}
