import type { Home } from '../page.js'
import { withQuery } from '../urls.js'
import type { Visit } from '../visit.js'

/** The path of the pages for administrators. */
export function homeOfAdmins ({ base }: Pick<Visit, 'base'>): string {
  return `${base}/admin`
}

/** The page about a user. */
export function toUserUrl (visit: Pick<Visit, 'base'>, userId: string, query: Readonly<Record<string, string>> = {}): string {
  return withQuery(`${homeOfAdmins(visit)}/user`, { id: userId, ...query })
}

/** The page that asks before revoking all keys of a user. */
export function toRevokeAllUrl (visit: Pick<Visit, 'base'>, userId: string): string {
  return withQuery(`${homeOfAdmins(visit)}/revoke-all`, { user: userId })
}

/** The page about a user, as where another one leads back to. */
export function toUserHome (visit: Pick<Visit, 'base' | 'language'>, userId: string): Home {
  return { href: toUserUrl(visit, userId), name: visit.language.say('admin.userTitle', { name: userId }) }
}
