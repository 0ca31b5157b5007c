/*
 * Takes the pictures of the README (`npm run screenshots`), and with a folder as argument those of every page in all
 * widths and both colour schemes, to look at.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import type { Browser, Page } from 'playwright-core'
import apiKey from '../lib/index.js'
import { startChromium } from './helpers/chromium.js'
import { startExample } from './helpers/example.js'

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url))
const HOUR = 3_600_000
const DAY = 24 * HOUR
const folder = process.argv[2]

const { browser, close } = await startChromium()
try {
  if (folder === undefined) await takeForReadme(browser)
  else await takeAll(browser, folder)
} finally {
  await close()
}

/** A service as a reader might run it, some weeks after the first key was made. */
async function takeForReadme (browser: Browser): Promise<void> {
  let clock = Date.UTC(2026, 8, 28, 9, 12)
  const app = Fastify({ trustProxy: true })
  await app.register(apiKey, { database: ':memory:', maxKeys: 10, now: () => clock, getUser: () => ({ id: 'ann', name: 'Ann Lee' }) })
  app.get('/v1/photos', async () => [])
  const old = await app.apiKeys.create('ann', { name: 'Old laptop' })
  clock += 9 * DAY
  const report = await app.apiKeys.create('ann', { name: 'Nightly report' })
  clock += 20 * DAY
  await app.apiKeys.revoke(old.id)
  const photos = await app.apiKeys.create('ann', { name: 'Photo import' })
  clock += 3 * DAY
  await app.apiKeys.verify(report.key, { ip: '203.0.113.24' })
  clock += 5 * HOUR
  await app.apiKeys.verify(photos.key, { ip: '2001:db8::7c2' })
  clock += HOUR / 5
  await app.apiKeys.create('ann', { name: 'Status board' })

  const headers = { 'x-forwarded-host': 'api.example.com', 'x-forwarded-proto': 'https' }
  const page = await browser.newPage({ viewport: { width: 1040, height: 600 }, extraHTTPHeaders: headers })
  try {
    await page.goto(`${await app.listen()}/keys`)
    await page.screenshot({ path: join(IMAGES, 'list.png'), fullPage: true })
    await create(page, 'Backup server')
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await page.screenshot({ path: join(IMAGES, 'created.png'), fullPage: true })
  } finally {
    await app.close()
  }
}

async function takeAll (browser: Browser, folder: string): Promise<void> {
  const example = await startExample()
  try {
    await takePages(browser, folder, example.address)
  } finally {
    await example.close()
  }
}

async function takePages (browser: Browser, folder: string, address: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const width of [1280, 375, 320]) {
    for (const scheme of ['light', 'dark'] as const) {
      const page = await open(browser, address, width, scheme, `ann-${width}-${scheme}`)
      const shot = (name: string) => page.screenshot({ path: join(folder, `${width}-${scheme}-${name}.png`), fullPage: true })
      await shot('empty')
      await fill(page, address)
      await shot('list')
      await page.getByRole('button', { name: 'Create key' }).click()
      await shot('error')
      await create(page, 'Backup server')
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      await shot('created')
      await page.goto(`${address}/keys`)
      await page.getByRole('link', { name: 'Revoke the key Backup server' }).click()
      await shot('revoke')
      await page.getByRole('button', { name: 'Revoke this key' }).click()
      await page.locator('summary').click()
      await shot('revoked')
      await page.goto(`${address}/keys/none/revoke`)
      await shot('message')
      await page.context().close()
    }
  }
}

async function open (browser: Browser, address: string, width: number, colorScheme: 'light' | 'dark', name: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme })
  const page = await context.newPage()
  await page.goto(`${address}/keys`)
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
  return page
}

async function create (page: Page, name: string): Promise<string> {
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Create key' }).click()
  return await page.getByLabel('Secret').inputValue()
}

/** Some keys, used and unused, and a revoked one. */
async function fill (page: Page, address: string): Promise<void> {
  for (const name of ['Old laptop', 'Nightly report', 'Photo import']) {
    const secret = await create(page, name)
    if (name !== 'Photo import') await fetch(`${address}/api/buckets`, { headers: { 'x-api-authorization': secret } })
    await page.getByRole('link', { name: 'I have copied it' }).click()
  }
  await page.getByRole('link', { name: 'Revoke the key Old laptop' }).click()
  await page.getByRole('button', { name: 'Revoke this key' }).click()
  await page.goto(`${address}/keys`)
}
