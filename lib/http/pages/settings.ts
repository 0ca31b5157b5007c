import type { FastifyRequest } from 'fastify'
import type { PageColors } from './colors.js'
import type { PageTexts } from './text.js'

/** The options of the pages with every default filled in. */
export interface PagesSettings {
  readonly prefix: string
  readonly loginUrl: string | undefined
  readonly views: string | undefined
  /** What the service is called; null for nothing. */
  readonly name: string | null
  readonly colors: PageColors
  /** The texts that are other than the package's own, by the request where an application speaks several languages. */
  readonly text: PageTexts | ((request: FastifyRequest) => PageTexts)
}
