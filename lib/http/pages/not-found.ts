import type { FastifyInstance } from 'fastify'
import { NotFoundError } from '../../errors.js'
import type { PagesContext } from './page.js'
import { PAGE_ROUTE } from './route.js'
import { signedIn } from './signed-in.js'

/**
 * Answers on paths below the pages that are none of theirs as the pages do: with a page, or the way to sign in, where people
 * would get what the API says to programs without a key. Not a route: routes of the application below the same prefix, and
 * one that takes everything, come first.
 */
export function registerNotFound (app: FastifyInstance, context: PagesContext): void {
  // Which one is not logged here, since somebody may have put a secret into it.
  const unknownPage = () => new NotFoundError('page', '…')
  const refuse = signedIn(context, async () => { throw unknownPage() })
  // Fastify takes a config here as for a route, which its types do not say.
  const options: object = { config: PAGE_ROUTE.config }
  app.setNotFoundHandler(options, async (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD') return await refuse(request, reply)
    throw unknownPage()
  })
}
