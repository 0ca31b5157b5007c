import { createHash, randomBytes } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import { KeyLimitError, NonceUsedError, NoProfileError } from '../errors.js'
import type { KeyDraft } from '../store/rows.js'
import type { InsertRefusal, Rules } from '../store/store.js'
import type { Context } from './context.js'
import type { Bounds } from './delegation.js'
import { changeBy, type By } from './events.js'
import { grant, type KeyGrants } from './granting.js'
import { mayGetProfile } from './profiles.js'
import { toProfileRecord } from './profile-records.js'
import { toKeyRecord, type NewKey } from './records.js'
import { digestOf, generateSecrets, startOf } from './secret.js'
import { resolveTerms } from './terms.js'

/** What a new key can be given. */
export interface KeyOptions extends KeyGrants {
  /** For people to tell their keys apart, at most 100 characters. Default empty. */
  name?: string
  /** 16 to 100 characters. A second call for the same user with the same nonce makes no key, so that a form can be sent twice. */
  nonce?: string
}

/** One key of `createMany`. */
export interface BatchKeyOptions extends KeyGrants {
  /** The application's own id of the user who gets it. */
  userId: string
  /** For people to tell their keys apart, at most 100 characters. Default empty. */
  name?: string
}

/** A key to be made, its fields checked. */
export interface KeyRequest extends Readonly<KeyOptions> {
  readonly userId: string
}

/** Random bytes that an id is made from. */
const ID_SIZE = 16

/** Counts the ids made, so that those of one millisecond are in the order of their making. */
let sequence = 0

/**
 * Makes keys, all or none, and tells of them when they are stored.
 *
 * @param bounds of whoever asks; null for the application, which has none
 */
export async function issue (context: Context, requests: readonly KeyRequest[], by: By, bounds: Bounds | null = null): Promise<NewKey[]> {
  const { store, settings, authorOf, isHeard, announce } = context
  const at = settings.now()
  const mayHaveProfile = await decideProfiles(context, requests)
  const secrets = generateSecrets(requests.length, settings.prefixes[0], settings.keySize)
  const random = randomBytes(requests.length * ID_SIZE)
  const drafts = requests.map((request, i) => draft(request, secrets[i] as string, idAt(at, random.subarray(i * ID_SIZE)), at, mayHaveProfile.get(request.userId) as boolean))
  const rules: Rules = {
    limitOf: (profile) => resolveTerms(profile, settings).maxKeys,
    termsOf: (profile, i, acting) => {
      const request = requests[i] as KeyRequest
      const terms = grant(request, profile, at, settings)
      return terms instanceof Error || bounds === null ? terms : bounds.create(terms, request, profile, acting)
    }
  }
  const inserted = await store.insertKeys(drafts, at, rules, authorOf(by, at), bounds?.acting)
  if (inserted.refused !== null) throw toError(inserted)
  const change = changeBy(by, at)
  for (const row of inserted.profiles) announce('apiUserCreated', { profile: toProfileRecord(row, settings), ...change })
  const tells = isHeard('apiKeyCreated')
  return inserted.keys.map((row, i) => {
    const key = toKeyRecord(row, at, settings)
    if (tells) announce('apiKeyCreated', { key, ...change })
    return { ...key, key: secrets[i] as string }
  })
}

/** Asks for each user once whether a profile may be made. A function is asked only for users who have none. */
async function decideProfiles ({ store, settings }: Context, requests: readonly KeyRequest[]): Promise<Map<string, boolean>> {
  const answers = new Map<string, boolean>()
  for (const { userId } of requests) {
    if (answers.has(userId)) continue
    const isAsked = typeof settings.autoProfile === 'function' && await store.getProfile(userId) === null
    answers.set(userId, isAsked ? await mayGetProfile({ settings }, { id: userId }) : settings.autoProfile === true)
  }
  return answers
}

/** Makes the id of a key, in the order of their making. */
function idAt (at: number, random: Uint8Array): string {
  sequence = (sequence + 1) % 0x1_0000_0000
  return uuid({ msecs: at, seq: sequence, random })
}

function draft ({ userId, name = '', nonce }: KeyRequest, secret: string, id: string, at: number, makeProfile: boolean): KeyDraft {
  return { id, userId, name, start: startOf(secret), digest: digestOf(secret), nonce: nonce === undefined ? null : nonceOf(userId, nonce), createdAt: at, makeProfile }
}

/** A nonce as it is stored: told from the same one of another user, since people and programs choose theirs. */
function nonceOf (userId: string, nonce: string): string {
  return createHash('sha256').update(JSON.stringify([userId, nonce])).digest('base64url')
}

function toError (refusal: InsertRefusal): Error {
  switch (refusal.refused) {
    case 'no-profile': return new NoProfileError(refusal.userId)
    case 'rule': return refusal.error
    case 'full': return new KeyLimitError(refusal.userId, refusal.limit)
    case 'nonce': return new NonceUsedError()
  }
}
