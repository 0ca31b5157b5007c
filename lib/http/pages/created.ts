import type { FastifyReply } from 'fastify'
import type { KeyRecord } from '../../keys/records.js'
import { toCurl } from './curl.js'
import { toKeyView, toPreviousUntil } from './key-view.js'
import { surroundings } from './owned-key.js'
import { sendPage } from './page.js'
import type { Visit } from './visit.js'

/**
 * Shows a secret, this once: of a new key, or after a rotation.
 *
 * @param forbidden why no key of its owner is accepted; null when that is not so. To be found out before there is a secret, which nothing that
 * fails may keep from being shown
 * @param isRotated whether the key had another secret before
 */
export async function sendCreated (visit: Visit, key: KeyRecord, secret: string, forbidden: string | null, isRotated = false): Promise<FastifyReply> {
  const { context, visitor, language, base, request, reply } = visit
  const now = context.now()
  const { home, owner } = surroundings(visit, key)
  const example = context.exampleFor(key.scopes)
  return await sendPage(context, reply, {
    status: 200,
    view: 'created',
    title: owner !== null && !isRotated ? language.say('admin.createdTitle', { name: owner }) : language.say(isRotated ? 'rotated.title' : 'created.title'),
    visitor,
    home,
    owner,
    data: {
      key: toKeyView(key, base, now, language),
      secret,
      curl: toCurl(request, context.header, secret, example.path),
      curlMissing: example.missing,
      isRotated,
      forbidden,
      // Without an overlap it ends at the moment of the rotation.
      previousUntil: isRotated ? toPreviousUntil(key, forbidden, now, language) : null
    }
  })
}
