import type { FastifyRequest } from 'fastify'
import { isAddress } from '../keys/arguments.js'

/**
 * The address that a request came from; null when there is none, as on a Unix socket, whatever the type says. Behind a
 * proxy that is trusted, it is whatever the proxy passed on, and what is too long for an address or holds control
 * characters is none.
 */
export function addressOf ({ ip }: FastifyRequest): string | null {
  return isAddress(ip) ? ip : null
}
