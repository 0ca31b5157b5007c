import type { FastifyRequest } from 'fastify'
import { isBoolean, isPlainObject } from '../checks.js'
import { CallbackError, describe } from '../errors.js'
import { isUserId } from '../keys/arguments.js'
import type { By } from '../keys/events.js'
import type { User } from '../keys/records.js'
import { addressOf } from './address.js'

/** Tells who is looking; null or undefined when nobody is signed in. */
export type GetUser = (request: FastifyRequest) => User | null | undefined | Promise<User | null | undefined>

/** Who is signed in, and whose keys they see. Both come from the application alone, never from the request's body. */
export interface Visitor {
  readonly user: User
  readonly owner: string
  /** What is noted about a change this person makes. */
  readonly by: By
}

const FORM = 'null or { id, name?, admin?, owner? } with an id and owner of 1 to 255 characters'

/**
 * Asks the application who is there.
 *
 * @returns null when nobody is signed in
 * @throws FST_API_KEY_INVALID_CALLBACK_RESULT, and whatever `getUser` throws
 */
export async function findVisitor (getUser: GetUser, request: FastifyRequest): Promise<Visitor | null> {
  const answer: unknown = await getUser(request)
  if (answer === null || answer === undefined) return null
  checkUser(answer)
  // Only what is asked for: an application may well return its own record of the user.
  const { id, name, admin, owner } = answer
  const user = {
    id,
    ...(name === undefined ? {} : { name }),
    ...(admin === undefined ? {} : { admin }),
    ...(owner === undefined ? {} : { owner })
  }
  const ip = addressOf(request)
  return { user, owner: owner ?? id, by: { actor: id, ...(ip === null ? {} : { ip }) } }
}

type Test = (value: unknown) => boolean

const optional = (test: Test): Test => (value) => value === undefined || test(value)

const FIELDS: Readonly<Record<keyof User, Test>> = {
  id: isUserId,
  name: optional((value) => typeof value === 'string'),
  admin: optional(isBoolean),
  owner: optional(isUserId)
}

function checkUser (answer: unknown): asserts answer is User {
  if (!isPlainObject(answer)) throw new CallbackError('getUser', FORM, describe(answer))
  for (const [name, test] of Object.entries(FIELDS)) {
    if (!test(answer[name])) throw new CallbackError('getUser', FORM, `${name}: ${describe(answer[name])}`)
  }
}
