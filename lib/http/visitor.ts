import type { FastifyRequest } from 'fastify'
import { describe, isBoolean } from '../checks.js'
import { CallbackError, CallbackFailedError, statusOf } from '../errors.js'
import type { By } from '../keys/events.js'
import type { User } from '../keys/records.js'
import { isUserId } from '../keys/ids.js'
import { addressOf } from './address.js'

/** A user as an application keeps it, which may have null where it says nothing. */
type UserRecord = Pick<User, 'id'> & { readonly [field in Exclude<keyof User, 'id'>]?: User[field] | null }

/** Tells who is looking; null or undefined when nobody is signed in. */
export type GetUser = (request: FastifyRequest) => UserRecord | null | undefined | Promise<UserRecord | null | undefined>

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
 * @throws FST_API_KEY_INVALID_CALLBACK_RESULT, or FST_API_KEY_CALLBACK_FAILED when `getUser` throws
 */
export async function findVisitor (getUser: GetUser, request: FastifyRequest): Promise<Visitor | null> {
  const answer = await askApplication(getUser, request)
  if (answer === null) return null
  checkUser(answer)
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

/**
 * Asks the application, and reads only what is wanted, this once: it may well answer with its own record of the user, whose
 * properties may be those of a class and be read from a database. What it throws may tell callers what they are not to know.
 */
async function askApplication (getUser: GetUser, request: FastifyRequest): Promise<Readonly<Record<string, unknown>> | null> {
  let answer: unknown
  try {
    answer = await getUser(request)
    if (answer === null || answer === undefined) return null
    if (typeof answer === 'object' && !Array.isArray(answer)) {
      const { id, name, admin, owner } = answer as Partial<Record<keyof User, unknown>>
      return { id, name: name ?? undefined, admin: admin ?? undefined, owner: owner ?? undefined }
    }
  } catch (error) {
    throw Object.assign(new CallbackFailedError({ cause: error }), { statusCode: statusOf(error) })
  }
  throw new CallbackError('getUser', FORM, describe(answer))
}

function checkUser (answer: Readonly<Record<string, unknown>>): asserts answer is Readonly<Record<string, unknown>> & User {
  for (const [name, test] of Object.entries(FIELDS)) {
    if (!test(answer[name])) throw new CallbackError('getUser', FORM, `${name}: ${describe(answer[name])}`)
  }
}
