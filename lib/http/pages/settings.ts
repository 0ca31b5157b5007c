import type { FastifyRequest } from 'fastify'
import type { User } from '../../keys/records.js'
import type { PageTexts } from './text.js'

/** Tells who is looking at a page; null or undefined when nobody is signed in. */
export type GetUser = (request: FastifyRequest) => User | null | undefined | Promise<User | null | undefined>

/** The options of the pages with every default filled in. */
export interface PagesSettings {
  readonly prefix: string
  readonly loginUrl: string | undefined
  readonly views: string | undefined
  /** What the service is called; null for nothing. */
  readonly name: string | null
  /** The texts that are other than the package's own, by the request where an application speaks several languages. */
  readonly text: PageTexts | ((request: FastifyRequest) => PageTexts)
}
