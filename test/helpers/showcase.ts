import Fastify, { type FastifyInstance } from 'fastify'
import apiKey, { type PagesOptions } from '../../lib/index.js'
import { DAY, HOUR } from './app.js'

/** A service as a reader might run it, some weeks after the first key was made. */
export interface Showcase {
  readonly app: FastifyInstance
  /** The address of the list. */
  readonly base: string
  /** The ids of the keys by name. */
  readonly ids: ReadonlyMap<string, string>
}

/** Who looks: with the header `user`, somebody else than Ann, who has the keys. */
const PEOPLE = new Map([['root', { id: 'root', name: 'Kim Roe', admin: true }], ['new', { id: 'new', name: 'Sam Poe' }]])

/** Starts the service on a free port, with a month of use. */
export async function buildShowcase (pages: PagesOptions = {}): Promise<Showcase> {
  let clock = Date.UTC(2026, 8, 1, 9, 12)
  const app = Fastify({ trustProxy: true })
  await app.register(apiKey, {
    database: ':memory:',
    maxKeys: 40,
    expiry: { max: '1y' },
    rateLimit: { max: 6000, timeWindow: '1m' },
    scopes: { 'photos:read': 'See and download photos', 'photos:write': 'Add and change photos', 'albums:write': 'Make and change albums', 'account:read': 'See the plan and what is left of it' },
    pages,
    now: () => clock,
    getUser: ({ headers }) => PEOPLE.get(String(headers['user'])) ?? { id: 'ann', name: 'Ann Lee' }
  })
  app.get('/v1/photos', async () => [])
  const base = `${await app.listen()}/keys`
  const ids = new Map<string, string>()
  const make = async (name: string, options: Parameters<typeof app.apiKeys.create>[1]) => {
    const key = await app.apiKeys.create('ann', { name, ...options }, { actor: 'ann', ip: '198.51.100.4' })
    ids.set(name, key.id)
    return key
  }
  await make('Old laptop', { expiresIn: '20d', scopes: ['photos:read'] })
  const lost = await make('Phone', { expiresIn: '90d', scopes: ['photos:read'] })
  const report = await make('Nightly report', { expiresIn: '37d', scopes: ['photos:read', 'account:read'], quota: { max: 2500, every: '30d' } })
  await make('Status board', { expiresIn: '1y', scopes: ['account:read'] })
  const photos = await make('Photo import', { expiresIn: '90d', scopes: ['photos:read', 'photos:write', 'albums:write', 'account:read'], allowedIps: ['2001:db8::/32', '203.0.113.0/24'] })
  for (let day = 0; day < 30; day++) {
    clock += DAY
    for (let i = 0; i < 8 + Math.round(14 * Math.abs(Math.sin(day))) - (day % 7 === 5 ? 8 : 0); i++) await app.apiKeys.verify(report.key, { ip: '203.0.113.24' })
    for (let i = 0; i < 5 * Math.abs(day % 9 - 4); i++) await app.apiKeys.verify(photos.key, { ip: '2001:db8::7c2' })
    for (let i = 0; i < (day % 11 === 3 ? 6 : 0); i++) await app.apiKeys.verify(photos.key, { ip: '192.0.2.1' }).catch(() => {})
  }
  await app.apiKeys.update(photos.id, { name: 'Photo import', scopes: ['photos:read', 'photos:write', 'albums:write'] }, { actor: 'ann', ip: '198.51.100.4' })
  await app.apiKeys.update(String(ids.get('Status board')), { enabled: false }, { actor: 'ann', ip: '198.51.100.4' })
  await app.apiKeys.revoke(lost.id, { reason: 'lost', actor: 'root', ip: '198.51.100.9' })
  clock += 3 * HOUR
  const rotated = await app.apiKeys.rotate(photos.id, { overlap: '7d' }, { actor: 'ann', ip: '198.51.100.4' })
  await app.apiKeys.verify(photos.key, { ip: '2001:db8::7c2' })
  clock += 2 * HOUR
  await app.apiKeys.verify(rotated.key, { ip: '2001:db8::7c2' })
  clock += HOUR / 5
  await app.apiKeys.flush()
  return { app, base, ids }
}

/** Gives Ann so many more keys that there are several pages of them. */
export async function fillUp ({ app }: Showcase): Promise<void> {
  await app.apiKeys.createMany(Array.from({ length: 30 }, (_, i) => ({ userId: 'ann', name: `Camera ${i + 1}`, scopes: ['photos:write'] })))
}
