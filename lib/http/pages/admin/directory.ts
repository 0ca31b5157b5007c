import type { FastifyReply } from 'fastify'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import { isUserId } from '../../../keys/ids.js'
import { readHint } from '../form.js'
import { sendPage } from '../page.js'
import { withQuery } from '../urls.js'
import type { Visit } from '../visit.js'
import type { BoxView, ProfileView } from './data.js'
import { homeOfAdmins, toUserUrl } from './urls.js'

/** Profiles on a page. */
const SIZE = 25

/** What is wrong with what was entered. */
interface BoxErrors {
  /** Into the box for a found key. */
  readonly box?: string
  /** Into the field for a user id, with what that was. */
  readonly open?: { readonly value: string, readonly error: string }
}

/** `GET /admin`: the box for a found key, and everybody's profiles. */
export async function showDirectory (visit: Visit): Promise<FastifyReply> {
  return await sendDirectory(visit, {})
}

/** Sends the list of profiles, with what was entered wrong. */
export async function sendDirectory (visit: Visit, errors: BoxErrors): Promise<FastifyReply> {
  const { context, visitor, language: { say }, request: { query }, reply } = visit
  const text = (readHint(query, 'q') ?? '').trim()
  // What no id can begin with finds nobody, and is not worth an error.
  const isPossible = text === '' || isUserId(text)
  const cursor = toCursor(readHint(query, 'cursor'))
  const found = isPossible ? await context.service.profiles.list({ cursor, limit: SIZE + 1, ...(text !== '' && { search: text }) }) : []
  const profiles = found.slice(0, SIZE)
  const home = homeOfAdmins(visit)
  const isWrong = errors.box !== undefined || errors.open !== undefined
  const last = found.length > SIZE ? profiles.at(-1) : undefined
  return await sendPage(context, reply, {
    status: isWrong ? 400 : 200,
    view: 'admin',
    title: isWrong ? say('page.error', { title: say('admin.title') }) : say('admin.title'),
    visitor,
    data: {
      box: toBox(visit, errors.box ?? null),
      search: { action: home, text },
      profiles: await Promise.all(profiles.map((profile) => toProfileView(visit, profile))),
      paging: {
        first: cursor === 0 ? null : withQuery(home, { q: text }),
        next: last === undefined ? null : withQuery(home, { q: text, cursor: String(last.id) })
      },
      open: { action: `${home}/user`, value: errors.open?.value ?? '', error: errors.open?.error ?? null }
    }
  })
}

/** Makes the box for a found key. */
export function toBox (visit: Visit, error: string | null): BoxView {
  return { action: `${homeOfAdmins(visit)}/identify`, error }
}

/** A cursor that nobody was given begins at the first page. */
function toCursor (text: string | undefined): number {
  const cursor = Number(text ?? 0)
  return Number.isSafeInteger(cursor) && cursor > 0 ? cursor : 0
}

async function toProfileView (visit: Visit, profile: ProfileRecord): Promise<ProfileView> {
  const { context: { service, internals, now }, language } = visit
  const { userId, group, maxKeys, canUseApi, canMakeKeys, lastAccessAt, createdAt } = profile
  const at = now()
  const { live } = await service.count(userId)
  return {
    userId,
    url: toUserUrl(visit, userId),
    group: group === null ? null : { name: group, isDeclared: internals.groups().includes(group) },
    live,
    limit: maxKeys === -1 ? null : maxKeys,
    canUseApi,
    canMakeKeys,
    lastAccess: lastAccessAt === null ? null : language.past(lastAccessAt, at),
    created: language.past(createdAt, at)
  }
}
