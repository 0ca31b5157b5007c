import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Visitor } from '../visitor.js'
import type { Language } from './language.js'
import type { PagesContext } from './page.js'

/** A request of somebody who is signed in. */
export interface Visit {
  readonly context: PagesContext
  readonly visitor: Visitor
  readonly language: Language
  /** The path of the list. */
  readonly base: string
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}
