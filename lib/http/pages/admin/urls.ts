import type { Home } from '../page.js'
import type { Visit } from '../signed-in.js'

/** The path of the pages for administrators. */
export function homeOfAdmins ({ base }: Pick<Visit, 'base'>): string {
  return `${base}/admin`
}

/** The page about a user. */
export function toUserUrl (visit: Pick<Visit, 'base'>, userId: string, query: Readonly<Record<string, string>> = {}): string {
  return withQuery(`${homeOfAdmins(visit)}/user`, { id: userId, ...query })
}

/** The page about a user, as where another one leads back to. */
export function toUserHome (visit: Pick<Visit, 'base' | 'language'>, userId: string): Home {
  return { href: toUserUrl(visit, userId), name: visit.language.say('admin.userTitle', { name: userId }) }
}

/** A path with a query of what is not empty. */
export function withQuery (path: string, query: Readonly<Record<string, string>>): string {
  const fields = Object.entries(query).filter(([, value]) => value !== '').map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return fields.length === 0 ? path : `${path}?${fields.join('&')}`
}
