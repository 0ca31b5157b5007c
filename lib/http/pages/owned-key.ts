import { NotFoundError } from '../../errors.js'
import type { KeyRecord } from '../../keys/records.js'
import { readField } from './form.js'
import type { Visit } from './signed-in.js'

/**
 * The key that the path names. Another owner's key is as unknown as one that never was, except for an administrator.
 *
 * @throws FST_API_KEY_NOT_FOUND
 */
export async function findKey ({ context, visitor, request }: Visit): Promise<KeyRecord> {
  const id = String(readField(request.params, 'id'))
  const key = await context.service.get(id)
  if (key === null || (key.userId !== visitor.owner && visitor.user.admin !== true)) throw new NotFoundError('API key', id)
  return key
}

/** Where the pages of a key lead back to: the visitor's list, or where an administrator looks after the key's owner. */
export function homeOf ({ visitor, base }: Pick<Visit, 'visitor' | 'base'>, key: Pick<KeyRecord, 'userId'>): string {
  return key.userId === visitor.owner ? base : `${base}/admin/user?id=${encodeURIComponent(key.userId)}`
}

/** What the pages of a key are told besides: where they lead back to, and whose key it is when not the visitor's. */
export function surroundings (visit: Visit, key: KeyRecord): { readonly home: string, readonly holder: string | null } {
  return { home: homeOf(visit, key), holder: key.userId === visit.visitor.owner ? null : key.userId }
}
