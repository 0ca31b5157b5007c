import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { Internals } from '../../keys/internals.js'
import type { ApiKeys } from '../../keys/service.js'
import { refuseForeignOrigins } from '../origin.js'
import type { GetUser } from '../visitor.js'
import { registerAdmin } from './admin/routes.js'
import { registerAssets } from './assets.js'
import { createFailureHandler } from './failure.js'
import { createKey } from './create.js'
import type { Example } from './curl.js'
import { editKey, showEdit } from './edit.js'
import { showKey } from './key.js'
import { showList } from './list.js'
import { registerNotFound } from './not-found.js'
import type { PagesContext } from './page.js'
import { askRevoke, revokeKey } from './revoke.js'
import { askRotate, rotateKey } from './rotate.js'
import { PAGE_ROUTE } from './route.js'
import type { PagesSettings } from './settings.js'
import { signedIn } from './signed-in.js'
import { disableKey, enableKey } from './switch.js'
import { registerViews, viewFolders } from './views.js'

/** What the pages need of the plugin. */
export interface PagesDeps {
  readonly service: ApiKeys
  readonly internals: Internals
  readonly settings: PagesSettings
  readonly getUser: GetUser
  readonly realm: string
  readonly scopes: ReadonlyMap<string, string> | null
  /** The headers that carry keys; the first is shown to people. */
  readonly headers: readonly [string, ...string[]]
  readonly now: () => number
  /** Whether unknown paths of the application are closed to people without a key; otherwise its own not-found handler may serve them. */
  readonly required: boolean
  /** A route to try a key with these scopes on, asked for when a key is shown. */
  readonly exampleFor: (scopes: readonly string[]) => Example
}

/** Far more than a name, scopes and a hundred addresses need. */
const BODY_LIMIT = 16 * 1024

/**
 * The pages on which people manage their own keys. A scope of its own, so that nothing the application brings for its
 * API (error handler, body parsers, templates) changes how they work, and nothing they bring leaks out.
 */
export async function pages (app: FastifyInstance, { headers, required, ...deps }: PagesDeps): Promise<void> {
  const folders = viewFolders(deps.settings.views)
  const assets = registerAssets(app, folders, deps.settings.colors)
  const context: PagesContext = { ...deps, header: headers[0], prefix: app.prefix, assets }

  // Inherited parsers go first: a second parser for forms would be an error, and no other format is taken.
  app.removeAllContentTypeParsers()
  await app.register(formbody, { bodyLimit: BODY_LIMIT })
  await registerViews(app, folders)
  app.setErrorHandler(createFailureHandler(context))
  app.addHook('onRequest', refuseForeignOrigins())

  app.get('/', PAGE_ROUTE, signedIn(context, showList))
  app.post('/', PAGE_ROUTE, signedIn(context, createKey))
  app.get('/:id', PAGE_ROUTE, signedIn(context, showKey))
  app.get('/:id/edit', PAGE_ROUTE, signedIn(context, showEdit))
  app.post('/:id/edit', PAGE_ROUTE, signedIn(context, editKey))
  app.post('/:id/enable', PAGE_ROUTE, signedIn(context, enableKey))
  app.post('/:id/disable', PAGE_ROUTE, signedIn(context, disableKey))
  app.get('/:id/rotate', PAGE_ROUTE, signedIn(context, askRotate))
  app.post('/:id/rotate', PAGE_ROUTE, signedIn(context, rotateKey))
  app.get('/:id/revoke', PAGE_ROUTE, signedIn(context, askRevoke))
  app.post('/:id/revoke', PAGE_ROUTE, signedIn(context, revokeKey))
  registerAdmin(app, context)
  if (required) registerNotFound(app, context)
}
