import type { FastifyInstance } from 'fastify'
import type { PagesContext } from '../page.js'
import { PAGE_ROUTE } from '../route.js'
import { forAdmins } from '../signed-in.js'
import { backToUser, createKeyFor } from './create-key.js'
import { showDirectory } from './directory.js'
import { backToBox, identify } from './identify.js'
import { askRevokeAll, revokeAll } from './revoke-all.js'
import { aboutUser, saveUser, showUser } from './user.js'

/** What a hundred scopes of a hundred characters need, which are sent twice: as they are, and as they were. */
const PROFILE_LIMIT = 64 * 1024

/** The pages on which administrators look after everybody's keys. Single keys have the same pages as for their owners. */
export function registerAdmin (app: FastifyInstance, context: PagesContext): void {
  app.get('/admin', PAGE_ROUTE, forAdmins(context, showDirectory))
  app.get('/admin/identify', PAGE_ROUTE, forAdmins(context, backToBox))
  app.post('/admin/identify', PAGE_ROUTE, forAdmins(context, identify))
  app.get('/admin/user', PAGE_ROUTE, forAdmins(context, aboutUser('id', showUser)))
  app.post('/admin/user', { ...PAGE_ROUTE, bodyLimit: PROFILE_LIMIT }, forAdmins(context, aboutUser('id', saveUser)))
  app.get('/admin/keys', PAGE_ROUTE, forAdmins(context, aboutUser('user', backToUser)))
  app.post('/admin/keys', PAGE_ROUTE, forAdmins(context, aboutUser('user', createKeyFor)))
  app.get('/admin/revoke-all', PAGE_ROUTE, forAdmins(context, aboutUser('user', askRevokeAll)))
  app.post('/admin/revoke-all', PAGE_ROUTE, forAdmins(context, aboutUser('user', revokeAll)))
}
