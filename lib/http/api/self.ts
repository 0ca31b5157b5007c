import type { FastifyInstance } from 'fastify'
import { InvalidKeyError } from '../../errors.js'
import type { ApiKeys } from '../../keys/service.js'
import { addressOf } from '../address.js'
import type { Guard } from '../guard.js'

/** What the routes need of the plugin. */
export interface SelfDeps {
  readonly service: Pick<ApiKeys, 'get' | 'admission'>
  readonly guard: Guard
}

/**
 * What a key can do to itself, by its secret alone. `GET /self` needs a key that is accepted. `DELETE /self` ends the key in
 * whatever state, from whatever address and however often it is used: whoever finds a secret shall be able to make it
 * worthless.
 */
export async function selfRoutes (app: FastifyInstance, { service, guard }: SelfDeps): Promise<void> {
  // Nothing is read from bodies. Some clients name a type where there is none, which must not stop a key from being ended.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async () => undefined)

  app.get('/self', { config: { apiKey: true } }, async (request) => {
    return request.apiUser === null ? null : await service.get(request.apiUser.keyId)
  })

  app.delete('/self', { config: { apiKey: false } }, async (request, reply) => {
    const sent = guard.readSecret(request)
    if (sent === null) throw guard.missing(request, reply)
    const { secret, header } = sent
    const isEnded = await service.admission.end(secret, addressOf(request)).catch((error: unknown) => { throw guard.refusal(request, reply, header, error) })
    if (!isEnded) throw guard.refusal(request, reply, header, new InvalidKeyError())
    return await reply.code(204).send()
  })
}
