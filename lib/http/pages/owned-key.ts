import { unknownKey } from '../../keys/lifecycle.js'
import type { ProfileRecord } from '../../keys/profile-records.js'
import type { KeyRecord } from '../../keys/records.js'
import { toUserHome } from './admin/urls.js'
import { readField } from './form.js'
import type { Home } from './page.js'
import type { Visit } from './visit.js'

/**
 * The key that the path names. Another owner's key is as unknown as one that never was, except for an administrator.
 *
 * @throws FST_API_KEY_NOT_FOUND
 */
export async function findKey ({ context, visitor, request }: Visit): Promise<KeyRecord> {
  const id = String(readField(request.params, 'id'))
  const key = await context.service.get(id)
  if (key === null || (key.userId !== visitor.owner && visitor.user.admin !== true)) throw unknownKey(id)
  return key
}

/** Says that no key of a user is accepted, whatever state it is in; null when that is not so. Keys without a profile are revoked, and say so themselves. */
export function whyForbidden ({ visitor, language: { say } }: Visit, userId: string, profile: ProfileRecord | null): string | null {
  if (profile === null || profile.canUseApi) return null
  return say(userId === visitor.owner ? 'list.notAccepted' : 'admin.isForbidden')
}

/** Where the pages of a key lead back to: the visitor's list, or where an administrator looks after the key's owner. */
export function homeOf (visit: Visit, { userId }: KeyRecord): Home {
  return userId === visit.visitor.owner ? { href: visit.base, name: visit.language.say('page.back') } : toUserHome(visit, userId)
}

/** What the pages of a key are told besides: where they lead back to, and whose key it is when not the visitor's. */
export function surroundings (visit: Visit, key: KeyRecord): { readonly home: Home, readonly owner: string | null } {
  return { home: homeOf(visit, key), owner: key.userId === visit.visitor.owner ? null : key.userId }
}
