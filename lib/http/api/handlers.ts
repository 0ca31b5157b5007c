import { describe, isPlainObject } from '../../checks.js'
import { ArgumentError } from '../../errors.js'
import type { KeyChanges } from '../../keys/granting.js'
import type { Internals } from '../../keys/internals.js'
import type { KeySearch } from '../../keys/listing.js'
import type { UsageRange } from '../../keys/usage.js'
import type { Ask } from './principal.js'
import { toEntryBody, toKeyBody, toNewKeyBody } from './view.js'

/** What a request may say of a key, by the schemas of its route. */
type Given<T> = Omit<T, 'expiresAt' | 'metadata'> & { readonly expiresAt?: string | null }

type Created = Given<Parameters<Internals['onBehalf']['create']>[1]>
type Changed = Given<KeyChanges>

/** What happens for each route, once its principal is known. */
export function handlersOf ({ onBehalf }: Pick<Internals, 'onBehalf'>) {
  return {
    async list ({ principal, request }: Ask) {
      const { keys, cursor } = await onBehalf.find(principal, request.query as KeySearch)
      return { keys: keys.map(toKeyBody), cursor }
    },

    async create ({ principal, request, reply }: Ask) {
      const key = await onBehalf.create(principal, readTime(request.body as Created))
      reply.code(201).header('location', toLocation(request.url, key.id))
      return toNewKeyBody(key)
    },

    async get ({ principal, request }: Ask) {
      return toKeyBody(await onBehalf.get(principal, idOf(request)))
    },

    async update ({ principal, request }: Ask) {
      return toKeyBody(await onBehalf.update(principal, idOf(request), readTime(request.body as Changed)))
    },

    async revoke ({ principal, request }: Ask) {
      refuseBody(request.body)
      return toKeyBody(await onBehalf.revoke(principal, idOf(request), request.query as { reason?: string }))
    },

    async rotate ({ principal, request }: Ask) {
      return toNewKeyBody(await onBehalf.rotate(principal, idOf(request), request.body as { overlap?: number | string }))
    },

    async usage ({ principal, request }: Ask) {
      return { days: await onBehalf.usage(principal, idOf(request), request.query as UsageRange) }
    },

    async rateLimit ({ principal, request }: Ask) {
      return { rateLimit: await onBehalf.rateLimit(principal, idOf(request)) }
    },

    async history ({ principal, request }: Ask) {
      const { limit, cursor: from } = request.query as { limit?: number, cursor?: string }
      const { entries, cursor } = await onBehalf.history(principal, idOf(request), {
        ...(limit !== undefined && { limit }), ...(from !== undefined && { cursor: Number(from) })
      })
      return { entries: entries.map((entry) => toEntryBody(entry, principal.by.actor)), cursor: cursor === null ? null : String(cursor) }
    }
  }
}

/** What is sent where nothing is looked at was meant to count, such as a reason. */
function refuseBody (body: unknown): void {
  if (body === undefined || (isPlainObject(body) && Object.keys(body).length === 0)) return
  throw new ArgumentError('the body', 'left out, as a reason belongs into the query', describe(body))
}

function idOf ({ params }: Ask['request']): string {
  return (params as { id: string }).id
}

/** The same with a time in place of its text. */
function readTime<T extends { readonly expiresAt?: string | null }> ({ expiresAt, ...rest }: T): Omit<T, 'expiresAt'> & { expiresAt?: Date | null } {
  return { ...rest, ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : new Date(expiresAt) }) }
}

/** Where a new key is: below the list that it was sent to. As segments, so that nothing in them can lead to another host. */
function toLocation (url: string, id: string): string {
  // A proxy may ask for the whole URL (RFC 9112, section 3.2.2).
  const segments = url.replace(/^[^/]+\/\/[^/]*/, '').replace(/\?.*$/s, '').split(/[/\\]/).filter((segment) => segment !== '')
  return `/${segments.join('/')}/${id}`
}
