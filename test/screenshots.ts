/*
 * Takes the pictures of the README (`npm run screenshots`), and with a folder as argument those of every page in all
 * widths and both colour schemes, to look at.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { startChromium } from './helpers/chromium.js'
import { buildShowcase, fillUp } from './helpers/showcase.js'
import { takeAdminPages } from './screenshots-admin.js'

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url))
const PROXY = { 'x-forwarded-host': 'api.example.com', 'x-forwarded-proto': 'https' }
const folder = process.argv[2]

const { browser, close } = await startChromium()
try {
  if (folder === undefined) await takeForReadme(browser)
  else {
    await takeAll(browser, folder)
    await takeAdminPages(browser, folder)
  }
} finally {
  await close()
}

async function takeForReadme (browser: Browser): Promise<void> {
  const { app, base, ids } = await buildShowcase()
  const page = await browser.newPage({ viewport: { width: 1040, height: 600 }, extraHTTPHeaders: PROXY })
  const shot = (name: string) => page.screenshot({ path: join(IMAGES, `${name}.png`), fullPage: true })
  try {
    await page.goto(base)
    await shot('list')
    await page.goto(`${base}/${ids.get('Photo import')}`)
    await shot('key')
    await page.goto(base)
    await create(page, 'Backup server')
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await shot('created')
  } finally {
    await app.close()
  }
}

async function takeAll (browser: Browser, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const width of [1280, 375, 320]) {
    for (const scheme of ['light', 'dark'] as const) await takePages(browser, width, scheme, (name) => join(folder, `${width}-${scheme}-${name}.png`))
  }
}

async function takePages (browser: Browser, width: number, colorScheme: 'light' | 'dark', pathOf: (name: string) => string): Promise<void> {
  const showcase = await buildShowcase()
  const { base } = showcase
  const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme, extraHTTPHeaders: PROXY })
  const page = await context.newPage()
  const shot = (name: string) => page.screenshot({ path: pathOf(name), fullPage: true })
  const visit = async (path: string, name: string) => {
    await page.goto(base + path)
    await shot(name)
  }
  const photos = `/${showcase.ids.get('Photo import')}`
  await visit('', 'list')
  await page.getByLabel('Expires').selectOption('date')
  await page.locator('summary').click()
  await page.getByLabel('Allowed addresses').fill('anywhere')
  await page.getByRole('button', { name: 'Create key' }).click()
  await shot('error')
  await page.goto(base)
  await create(page, 'Backup server')
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await shot('created')
  await visit(photos, 'key')
  await page.getByText('Show as a table').click()
  await shot('key-figures')
  await visit(`/${showcase.ids.get('Nightly report')}`, 'key-quota')
  await visit(`/${showcase.ids.get('Phone')}`, 'key-revoked')
  await visit(`${photos}/edit`, 'edit')
  await visit(`${photos}/rotate`, 'rotate')
  await page.getByRole('button', { name: 'Rotate this key' }).click()
  await shot('rotated')
  await visit(`${photos}/revoke`, 'revoke')
  await page.getByRole('button', { name: 'Revoke this key' }).click()
  await shot('notice')
  await visit('?show=ended', 'ended')
  await visit(`${photos}/edit`, 'message')
  await fillUp(showcase)
  await visit('', 'many')
  await visit('?q=camera 1', 'search')
  await page.setExtraHTTPHeaders({ ...PROXY, user: 'new' })
  await visit('', 'empty')
  await page.setExtraHTTPHeaders({ ...PROXY, user: 'root' })
  await visit(`/${showcase.ids.get('Nightly report')}`, 'other')
  await context.close()
  await showcase.app.close()
}

async function create (page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('photos:read').check()
  await page.getByRole('button', { name: 'Create key' }).click()
}
