import type { FastifyReply } from 'fastify'
import type { KeyRecord } from '../../keys/records.js'
import type { KeyCount } from '../../keys/listing.js'
import type { DayUsage } from '../../keys/usage.js'
import { toSparkView } from './chart.js'
import type { Notice } from './data.js'
import type { ListKeyView, SearchView } from './data/list.js'
import { NOTHING, type Entered, type FieldErrors } from './entered.js'
import { readHint } from './form.js'
import { readKept } from './kept.js'
import { rulesOf, strayError, toFormView } from './key-form.js'
import { toKeyView } from './key-view.js'
import { whyForbidden } from './owned-key.js'
import { sendPage } from './page.js'
import { refuseKey, toRoom } from './room.js'
import { readSearch, toListUrl, type Asked } from './search.js'
import { ownProfile } from './signed-in.js'
import type { Visit } from './visit.js'

/** Keys on one page. From so many on there is something to search. */
const PAGE = 25

/** `GET /`: the visitor's keys and the form for another. */
export async function showList (visit: Visit): Promise<FastifyReply> {
  const { request } = visit
  return await sendList(visit, { status: 200, entered: readKept(request.query, NOTHING) ?? NOTHING, asked: readSearch(request.query) })
}

/** What a list is shown for. */
interface Showing {
  readonly status: number
  /** What the form is filled in with. */
  readonly entered: Entered
  readonly errors?: FieldErrors
  readonly notice?: Notice
  readonly asked?: Asked
}

const FIRST: Asked = { ended: false, text: '', before: undefined }

/** Sends the list, by default its first page. */
export async function sendList (visit: Visit, { status, entered, errors = {}, notice, asked = FIRST }: Showing): Promise<FastifyReply> {
  const { context: { service, now }, visitor, language, base, reply } = visit
  const profile = await ownProfile(visit)
  const [counts, found] = [await service.count(visitor.owner), await findKeys(visit, asked)]
  const room = toRoom(profile, counts.live)
  const rules = rulesOf(visit.context, profile)
  // Further pages and results are for finding keys.
  const isFirst = !asked.ended && asked.text === '' && asked.before === undefined
  const forbidden = whyForbidden(visit, visitor.owner, profile)
  const refusal = isFirst ? refuseKey(profile, room, language) : null
  const title = language.say('list.title')
  const isWrong = Object.keys(errors).length > 0
  return await sendPage(visit.context, reply, {
    status,
    view: 'list',
    title: isWrong ? language.say('page.error', { title }) : title,
    visitor,
    // A notice takes the focus, which after a mistake belongs to the field.
    notice: notice ?? strayError(rules, errors) ?? await revokedNotice(visit) ?? (isWrong || forbidden === null ? null : { kind: 'warning', text: forbidden }),
    data: {
      keys: await toViews(visit, found.keys, now()),
      ended: asked.ended,
      tabs: [
        { href: base, text: language.say('list.live'), count: counts.live, isCurrent: !asked.ended },
        { href: toListUrl(base, { ended: true }), text: language.say('list.ended'), count: counts.dead, isCurrent: asked.ended }
      ],
      search: toSearchView(base, asked, counts),
      newest: asked.before === undefined ? null : toListUrl(base, { ...asked, before: undefined }),
      older: found.cursor === null ? null : toListUrl(base, { ...asked, before: found.cursor }),
      room,
      // What was entered is not lost when no key may be made just now.
      form: isFirst && (refusal === null || entered !== NOTHING) ? toFormView({ action: base, rules, entered, errors }, language) : null,
      refusal
    }
  })
}

async function findKeys ({ context, visitor }: Visit, { ended, text, before }: Asked) {
  return await context.service.find(visitor.owner, {
    live: !ended, limit: PAGE, ...(text !== '' && { search: text }), ...(before !== undefined && { cursor: before })
  })
}

/** Makes what `table.html` shows of keys. */
export async function toViews ({ context, base, language }: Visit, keys: readonly KeyRecord[], now: number): Promise<ListKeyView[]> {
  const uses = await context.internals.uses(keys.map(({ id }) => id))
  return keys.map((key) => ({ ...toKeyView(key, base, now, language), use: toSparkView(uses.get(key.id) as DayUsage[], now, language) }))
}

/** A search appears where there is more than one page, and where one was made. */
function toSearchView (base: string, asked: Asked, { live, dead }: KeyCount): SearchView | null {
  if ((asked.ended ? dead : live) <= PAGE && asked.text === '') return null
  return { text: asked.text, all: toListUrl(base, { ended: asked.ended }) }
}

/** Tells that a key was revoked, provided that it is the visitor's and that it was. */
async function revokedNotice ({ context, visitor, language: { say }, request }: Visit): Promise<Notice | null> {
  const id = readHint(request.query, 'revoked')
  const key = id === undefined ? null : await context.service.get(id)
  if (key === null || key.userId !== visitor.owner || key.state !== 'revoked') return null
  return { kind: 'success', text: say('list.wasRevoked', { name: key.name || say('key.unnamed') }) }
}
