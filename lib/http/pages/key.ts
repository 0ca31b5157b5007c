import type { FastifyReply } from 'fastify'
import type { KeyRecord, KeyState } from '../../keys/records.js'
import type { DayUsage } from '../../keys/usage.js'
import { toChartView } from './chart.js'
import { isLive } from './conflict.js'
import type { Notice } from './data.js'
import type { ScopeView } from './data/key.js'
import { readHint } from './form.js'
import { toHistoryView } from './history-view.js'
import { toKeyView, toPreviousUntil } from './key-view.js'
import { toLimitsView } from './limits-view.js'
import { findKey, surroundings, whyForbidden } from './owned-key.js'
import { sendPage } from './page.js'
import type { TextName } from './text.js'
import type { Visit } from './visit.js'

/** Changes on one page. */
const PAGE = 10

/** `GET /:id`: one key, what it did, what it may do, and what was done with it. */
export async function showKey (visit: Visit): Promise<FastifyReply> {
  const { context: { service, internals, now: clock, scopes }, visitor, language, base, request, reply } = visit
  const key = await findKey(visit)
  const now = clock()
  const before = readCursor(readHint(request.query, 'before'))
  const history = await service.history({ keyId: key.id, limit: PAGE, ...(before !== undefined && { cursor: before }) })
  // A deleted profile allows nothing, and its keys are revoked.
  const profile = await service.profiles.get(key.userId)
  const view = toKeyView(key, base, now, language)
  const uses = await internals.uses([key.id])
  const forbidden = whyForbidden(visit, key.userId, profile)
  return await sendPage(visit.context, reply, {
    status: 200,
    view: 'key',
    title: language.isolate(view.name),
    visitor,
    ...surroundings(visit, key),
    notice: noticeOf(visit, key, history.entries[0]?.action, forbidden),
    data: {
      key: view,
      isLive: isLive(key),
      scopes: toScopeViews(key, scopes, profile?.scopes ?? null),
      addresses: key.allowedIps,
      rotated: key.rotatedAt === null ? null : language.past(key.rotatedAt, now),
      previousUntil: toPreviousUntil(key, forbidden, now, language),
      previousUsed: key.previousUsedAt === null ? null : language.past(key.previousUsedAt, now),
      reason: key.revokedReason,
      chart: toChartView(uses.get(key.id) as DayUsage[], now, language),
      limits: toLimitsView(key, await service.rateLimit(key.id), now, language),
      history: {
        entries: toHistoryView(history.entries, visitor.user, now, language),
        older: history.cursor === null ? null : `${view.url}?before=${history.cursor}#ak-history`
      }
    }
  })
}

function readCursor (text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}

/** The key's scopes with their descriptions, and whether they count: its profile may allow less than the key was given. */
function toScopeViews ({ scopes }: KeyRecord, declared: ReadonlyMap<string, string> | null, allowed: readonly string[] | null): ScopeView[] {
  return scopes.map((name) => ({ name, text: declared?.get(name) ?? null, counts: allowed === null || allowed.includes(name) }))
}

/** What is told of what was just done, provided that the key is in that state; and where no key of its owner is accepted. */
const DONE = new Map<string, { readonly state: KeyState | null, readonly usual: TextName, readonly only: TextName }>([
  ['changed', { state: null, usual: 'key.wasChanged', only: 'key.wasChanged' }],
  ['enabled', { state: 'active', usual: 'key.wasEnabled', only: 'key.isEnabled' }],
  ['disabled', { state: 'disabled', usual: 'key.wasDisabled', only: 'key.isDisabled' }]
])

/**
 * Tells what was just done, provided that it was, or why the key is not accepted.
 *
 * @param action the last that was done with it
 */
function noticeOf ({ request, language: { say } }: Visit, { state }: KeyRecord, action: string | undefined, forbidden: string | null): Notice | null {
  const asked = action === 'apiKeyUpdated' ? DONE.get(readHint(request.query, 'done') ?? '') : undefined
  const done = asked === undefined || (asked.state ?? state) === state ? asked : undefined
  if (forbidden !== null) return { kind: 'warning', text: done === undefined ? forbidden : `${say(done.only)} ${forbidden}` }
  return done === undefined ? null : { kind: 'success', text: say(done.usual) }
}
