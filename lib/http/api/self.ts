import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidKeyError } from '../../errors.js'
import type { Internals } from '../../keys/internals.js'
import type { ApiKeys } from '../../keys/service.js'
import { addressOf } from '../address.js'
import type { Guard } from '../guard.js'
import { ANSWER_HEADERS } from './headers.js'
import { configOf } from './route.js'
import type { schemasOf } from './schemas.js'
import { toKeyBody } from './view.js'

/** What the routes need of the plugin. */
export interface SelfDeps {
  readonly service: Pick<ApiKeys, 'get'>
  readonly internals: Pick<Internals, 'admission'>
  readonly guard: Guard
  readonly schemas: Pick<ReturnType<typeof schemasOf>, 'self' | 'revokeSelf'>
}

const NO_SCOPES: readonly string[] = []

/**
 * What a key can do to itself, by its secret alone. `GET /self` needs a key that is accepted. `DELETE /self` revokes the key in
 * whatever state, from whatever address and however often it is used: whoever finds a secret shall be able to make it
 * worthless.
 */
export async function selfRoutes (app: FastifyInstance, { service, internals, guard, schemas }: SelfDeps): Promise<void> {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(ANSWER_HEADERS)
    if (request.method === 'DELETE') done()
    else guard.requireScopes(request, reply, NO_SCOPES, done)
  })

  app.get('/self', { config: configOf(NO_SCOPES), schema: schemas.self }, async (request, reply) => {
    // An application may have ended its login on the way.
    const key = request.apiUser === null ? null : await service.get(request.apiUser.keyId).catch((error: unknown) => { throw guard.refusal(request, reply, null, error) })
    if (key === null) throw guard.missing(request, reply)
    return toKeyBody(key)
  })

  // A hook, so that it is over before anything of a body is looked at: no size and no type of it may keep a key from being revoked.
  app.delete('/self', { config: configOf(NO_SCOPES), schema: schemas.revokeSelf, onRequest: revokeSelf }, revokeSelf)

  async function revokeSelf (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const sent = guard.readSecret(request)
    if (sent === null) throw guard.missing(request, reply)
    const { secret, header } = sent
    const isRevoked = await internals.admission.revoke(secret, addressOf(request)).catch((error: unknown) => { throw guard.refusal(request, reply, header, error) })
    if (!isRevoked) throw guard.refusal(request, reply, header, new InvalidKeyError())
    return await reply.code(204).send()
  }
}
