import { join } from 'node:path'
import Database from 'better-sqlite3'
import Fastify from 'fastify'
import type { Browser, Page } from 'playwright-core'
import apiKey from '../lib/index.js'
import { DAY, HOUR } from './helpers/app.js'

/** Takes pictures of every page for administrators, of a service with some users. */
export async function takeAdminPages (browser: Browser, folder: string): Promise<void> {
  const { app, secret, replaced, address } = await startService()
  try {
    for (const width of [1280, 375, 320]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme })
        const page = await context.newPage()
        const shot = (name: string) => page.screenshot({ path: join(folder, `${width}-${colorScheme}-admin-${name}.png`), fullPage: true })
        await page.goto(`${address}/keys/admin`)
        await shot('users')
        await paste(page, '')
        await shot('box-error')
        for (const [name, text] of [['found', `Bearer ${secret}`], ['replaced', replaced], ['unknown', `${secret.slice(0, -1)}_`]] as const) {
          await paste(page, text)
          await shot(name)
        }
        for (const [name, path] of [
          ['nobody', 'admin?q=zz'], ['user', 'admin/user?id=maria.lopez'], ['ended', 'admin/user?id=maria.lopez&keys=ended'], ['undeclared', 'admin/user?id=old-partner'],
          ['no-profile', 'admin/user?id=who'], ['revoke-all', 'admin/revoke-all?user=maria.lopez'], ['revoke-none', 'admin/revoke-all?user=who']
        ] as const) {
          await page.goto(`${address}/keys/${path}`)
          await shot(name)
        }
        await page.goto(`${address}/keys/admin/user?id=maria.lopez`)
        await page.getByRole('combobox', { name: 'Key limit' }).selectOption('own')
        await page.getByLabel('Number of keys').fill('many')
        await page.getByRole('combobox', { name: 'Rate limit' }).selectOption('own')
        await page.getByLabel('Requests of each key').fill('60')
        await page.getByRole('combobox', { name: 'Quota' }).selectOption('every')
        await page.getByRole('button', { name: 'Save the profile' }).click()
        await shot('profile-error')
        await page.goto(`${address}/keys/admin/user?id=maria.lopez`)
        await page.getByLabel('Name').fill('For the new server')
        await page.getByRole('button', { name: 'Create key' }).click()
        await shot('created')
        await context.close()
      }
    }
  } finally {
    await app.close()
  }
}

async function paste (page: Page, text: string): Promise<void> {
  await page.getByLabel('Found key').fill(text)
  await page.getByRole('button', { name: 'Whose is it?' }).click()
}

async function startService () {
  const clock = { now: Date.UTC(2026, 7, 28, 9, 12) }
  const app = Fastify()
  const database = new Database(':memory:')
  app.addHook('onClose', () => { database.close() })
  await addOldPartner(database)
  await app.register(apiKey, {
    database,
    now: () => clock.now,
    getUser: () => ({ id: 'sam', name: 'Sam Okafor', admin: true }),
    groups: { partners: { maxKeys: 50, scopes: ['photos:read', 'photos:write'], rateLimit: false }, trial: { maxKeys: 2, expiry: { default: '30d', max: '90d' } } },
    pages: { prefix: '/keys', name: 'Photos' }
  })
  const { apiKeys } = app
  const by = { actor: 'sam', ip: '198.51.100.4' }
  for (let i = 0; i < 40; i++) {
    const name = `${['anna', 'jo', 'lee', 'mo', 'pat', 'kim', 'ruth', 'tariq'][i % 8]}.${['berg', 'chen', 'diaz', 'evans', 'fox'][i % 5]}${i > 20 ? i : ''}`
    await apiKeys.profiles.create(name, i % 3 === 0 ? { group: 'trial' } : {})
    for (let n = 0; n < i % 4 && n < 2; n++) {
      const { key } = await apiKeys.create(name, { name: `Key ${n + 1}` })
      if (i % 5 !== 0) await apiKeys.verify(key, { ip: '203.0.113.9' })
    }
    if (i % 11 === 10) await apiKeys.profiles.update(name, { canUseApi: false, canMakeKeys: i % 2 === 0 }, by)
    clock.now += HOUR
    if (i === 4) await addMaria(app, clock, by)
  }
  const { key: secret } = await apiKeys.create('maria.lopez', { name: 'Leaked in a chat' }, by)
  await apiKeys.verify(secret, { ip: '2001:db8:12::7c2' })
  const { id: other, key: replaced } = await apiKeys.create('maria.lopez', { name: 'Mobile app' })
  await apiKeys.rotate(other, { overlap: '12h' })
  clock.now += 2 * HOUR
  return { app, secret, replaced, address: await app.listen() }
}

/** A user in a group that the service declared once. */
async function addOldPartner (database: Database.Database): Promise<void> {
  const app = Fastify()
  await app.register(apiKey, { database, groups: { legacy: {} } })
  await app.apiKeys.profiles.create('old-partner', { group: 'legacy' })
  await app.apiKeys.create('old-partner', { name: 'Import' })
  await app.close()
}

async function addMaria (app: ReturnType<typeof Fastify>, clock: { now: number }, by: { actor: string, ip: string }): Promise<void> {
  const { apiKeys } = app
  await apiKeys.profiles.create('maria.lopez', { group: 'partners' }, by)
  for (let i = 0; i < 22; i++) {
    const { id, key } = await apiKeys.create('maria.lopez', { name: ['Nightly report', 'Photo import', 'Status board', 'Backup server'][i % 4] + (i < 4 ? '' : ` ${i}`) }, { actor: 'maria.lopez', ip: '203.0.113.24' })
    if (i % 3 !== 0) await apiKeys.verify(key, { ip: '203.0.113.24' })
    if (i % 5 === 0) await apiKeys.revoke(id, { reason: 'not needed any more', ...by })
    clock.now += 6 * HOUR
  }
  await apiKeys.profiles.update('maria.lopez', { maxKeys: 80 }, by)
  clock.now += DAY
}
