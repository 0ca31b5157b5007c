import t, { test } from 'tap'
import type { Page } from 'playwright-core'
import { accessibilityTests, hasOutline, pageTests, tabTo, violations } from './helpers/browser.js'
import { startChromium } from './helpers/chromium.js'
import { buildShowcase, fillUp, type Showcase } from './helpers/showcase.js'

/*
 * The pages of keys in a real browser: a service with scopes, limits and a month of use, in which each test has its own keys.
 */

t.setTimeout(400_000)

const chromium = await startChromium()
const pageTest = pageTests(chromium)
const services: Showcase[] = []

pageTest('a key is made with scopes and an expiry, edited, rotated, disabled and enabled', {}, async (t, page) => {
  const { app, base } = await start()
  await page.goto(base)
  await page.getByLabel('Name').fill('Backup server')
  t.equal(await page.getByLabel('Expires').inputValue(), '90d')
  t.notOk(await page.getByLabel('Day of my choice').isVisible())
  await page.getByLabel('Expires').selectOption('On a day of my choice')
  await page.getByLabel('Day of my choice').fill('2026-12-24')
  await page.getByRole('checkbox', { name: 'photos:read' }).check()
  await page.getByRole('button', { name: 'Create key' }).click()
  const old = await page.getByLabel('Secret').inputValue()
  await page.getByRole('link', { name: 'I have copied it' }).click()
  await page.getByRole('link', { name: 'Backup server', exact: true }).click()
  await page.getByRole('heading', { name: 'Backup server' }).waitFor()

  await page.getByRole('link', { name: 'Edit' }).click()
  await page.getByLabel('Name').fill('Backup')
  await page.getByRole('checkbox', { name: 'photos:write' }).check()
  await page.getByRole('button', { name: 'Save changes' }).click()
  t.match(await page.getByRole('status').textContent(), 'The changes are saved.')
  t.match(await app.apiKeys.identify(old), { name: 'Backup', scopes: ['photos:read', 'photos:write'], expiresAt: new Date('2026-12-25T00:00:00Z') })

  await page.getByRole('link', { name: 'Rotate' }).click()
  await page.getByLabel('For 1 hour').check()
  await page.getByRole('button', { name: 'Rotate this key' }).click()
  const secret = await page.getByLabel('Secret').inputValue()
  t.not(secret, old)
  t.match(await page.getByText('The old one still works').textContent(), 'ends in 1 hour')
  for (const working of [old, secret]) t.match(await app.apiKeys.verify(working), { keyName: 'Backup' })
  await page.reload()
  await page.getByRole('heading', { name: 'This key has another secret by now' }).waitFor()
  t.match(await app.apiKeys.verify(secret), { keyName: 'Backup' })
  await page.getByRole('link', { name: 'Back to the key' }).click()

  await page.getByRole('button', { name: 'Disable' }).click()
  t.match(await page.getByRole('status').textContent(), 'The key is disabled.')
  t.equal(await page.evaluate('document.activeElement.role'), 'status')
  await t.rejects(app.apiKeys.verify(secret), { code: 'FST_API_KEY_DISABLED' })
  await page.getByRole('button', { name: 'Enable' }).click()
  t.match(await page.getByRole('status').textContent(), 'The key is enabled.')
  t.match(await app.apiKeys.verify(secret), { keyName: 'Backup' })
})

pageTest('without script the same is possible', { javaScriptEnabled: false }, async (t, page) => {
  const { app, base } = await start()
  await page.goto(base)
  await page.getByLabel('Name').fill('Plain')
  await page.getByLabel('Expires').selectOption('On a day of my choice')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByText('Enter the last day on which the key works').waitFor()
  await page.getByLabel('Day of my choice').fill('2026-12-24')
  await page.getByText('Allowed addresses').click()
  await page.getByLabel('Allowed addresses').fill('192.0.2.1')
  await page.getByRole('button', { name: 'Create key' }).click()
  const old = await page.getByLabel('Secret').inputValue()
  t.match(await app.apiKeys.identify(old), { allowedIps: ['192.0.2.1'], expiresAt: new Date('2026-12-25T00:00:00Z') })
  await page.getByRole('link', { name: 'I have copied it' }).click()
  await page.getByRole('link', { name: 'Plain', exact: true }).click()
  await page.getByRole('link', { name: 'Rotate' }).click()
  await page.getByLabel('Not at all').check()
  await page.getByRole('button', { name: 'Rotate this key' }).click()
  const secret = await page.getByLabel('Secret').inputValue()
  await t.rejects(app.apiKeys.verify(old, { ip: '192.0.2.1' }), { code: 'FST_API_KEY_ROTATED' })
  await page.getByRole('link', { name: 'I have copied it' }).click()
  await page.getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('button', { name: 'Enable' }).click()
  await page.getByText('Show as a table').click()
  await page.getByText('The secret was replaced: 1').waitFor()
  await page.getByRole('link', { name: 'Edit' }).click()
  await page.getByLabel('Allowed addresses').fill('')
  await page.getByRole('button', { name: 'Save changes' }).click()
  t.match(await app.apiKeys.verify(secret), { keyName: 'Plain' })
  await page.getByText('Allowed addresses: 192.0.2.1 → anywhere').waitFor()
})

pageTest('the chart has its figures in words, in a table and under the pointer', {}, async (t, page) => {
  const { base, ids } = await start()
  await page.goto(`${base}/${ids.get('Photo import')}`)
  const chart = page.getByRole('img', { name: /Requests by day \(UTC\) in the last 30 days: \d+ accepted, 18 refused/ })
  t.ok(await chart.isVisible())
  const { height = 0 } = await chart.boundingBox() ?? {}
  t.ok(height > 100)
  await page.getByText('Show as a table').click()
  t.equal(await page.getByRole('table').getByRole('row').count(), 28)
  await page.getByText('Not an allowed address: 18').waitFor()
  await page.goto(base)
  await page.getByRole('img', { name: /uses in the last 30 days, at most 22 in a day \(UTC\)/ }).waitFor()
})

pageTest('many keys are searched and paged through', {}, async (t, page) => {
  const showcase = await start()
  await fillUp(showcase)
  await page.goto(showcase.base)
  await page.getByRole('link', { name: 'Older keys' }).click()
  await page.getByRole('link', { name: 'Photo import', exact: true }).waitFor()
  await page.getByRole('searchbox').fill('camera 2')
  await page.getByRole('button', { name: 'Search' }).click()
  t.equal(await page.getByRole('link', { name: 'Revoke the key' }).count(), 11)
  await page.getByRole('searchbox').fill('no such key')
  await page.keyboard.press('Enter')
  await page.getByText('Nothing found').waitFor()
  await page.getByRole('link', { name: 'Show all' }).click()
  t.equal(await page.getByRole('link', { name: 'Revoke the key' }).count(), 25)
})

pageTest('times are those of the reader, in words and on hover', { timezoneId: 'America/New_York' }, async (t, page) => {
  const { base, ids } = await start()
  await page.goto(`${base}/${ids.get('Photo import')}`)
  t.match(await page.locator('.ak-history').innerText(), /^Rotated by you from 198\.51\.100\.4$/m, 'who did what is one line of text')
  // Made at 9:12 in UTC, with a life of 90 days.
  const made = page.locator('dl time').first()
  t.equal(await made.textContent(), '1 Sept 2026')
  t.equal(await made.getAttribute('title'), '1 Sept 2026, 05:12:00 GMT-4')
  const { app } = await start()
  const { id } = await app.apiKeys.create('ann', { name: 'Night', expiresAt: new Date('2026-12-25T00:00:00Z') })
  await page.goto(`${services.at(-1)?.base}/${id}`)
  t.equal(await page.locator('dt:text("Expires") + dd').textContent(), '24 Dec 2026', 'midnight in UTC is the evening before')
  t.equal(await page.locator('dt:text("Created") + dd').textContent(), 'just now')
  t.match(await page.locator('.ak-history').innerText(), 'Expires: 24 Dec 2026, 19:00:00 GMT-5', 'in the history too')
  await page.goto(`${services.at(-1)?.base}/${id}/edit`)
  t.match(await page.locator('#ak-expiry option').first().textContent(), '24 Dec 2026', 'and among choices')
})

pageTest('a name that runs from right to left leaves the text around it where it is, and what is left of a rate limit is shown', {}, async (t, page) => {
  const { app, base } = await start()
  const { id, key } = await app.apiKeys.create('ann', { name: 'מפתח 1', rateLimit: { max: 5, timeWindow: '1d' } })
  await page.goto(`${base}/${id}/rotate`)
  const places = await page.evaluate<number[]>(`[...document.querySelector('h1').childNodes].map((node) => {
    const range = document.createRange()
    range.selectNodeContents(node)
    return range.getBoundingClientRect().left
  })`)
  t.equal(places.length, 3)
  t.same(places.toSorted((a, b) => a - b), places, 'Rotate, the name, the question mark')
  await app.apiKeys.verify(key)
  await page.goto(`${base}/${id}`)
  t.match(await page.locator('dt:text("Rate limit") + dd').innerText(), /5 requests in 1 day\s+4 left\s+All 5 are there again/)
  await page.reload()
  t.match(await page.locator('dt:text("Rate limit") + dd').innerText(), '4 left')
  t.same(await violations(page), [])
})

pageTest('everything is done by keyboard, and the focus can be seen', {}, async (t, page) => {
  const { app, base, ids } = await start()
  await page.goto(`${base}/${ids.get('Status board')}`)
  const press = async (target: string) => {
    await tabTo(page, target)
    t.ok(await hasOutline(page), target)
    await page.keyboard.press('Enter')
  }
  await press('Enable')
  await page.getByText('The key is enabled.').waitFor()
  await press('Edit')
  await page.getByRole('heading', { name: 'Edit API key' }).waitFor()
  await tabTo(page, 'ak-name')
  await page.keyboard.press('End')
  await page.keyboard.type(' 2')
  await tabTo(page, 'ak-expiry')
  await page.keyboard.type('On a day')
  await tabTo(page, 'ak-date')
  await page.keyboard.type('05012027')
  await press('Save changes')
  await page.getByText('The changes are saved.').waitFor()
  t.match(await app.apiKeys.get(String(ids.get('Status board'))), { name: 'Status board 2', expiresAt: new Date('2027-05-02T00:00:00Z') })
  await press('Rotate')
  await page.getByRole('heading', { name: 'Rotate “Status board 2”?' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('ArrowUp')
  await press('Rotate this key')
  await page.getByText('The old one still works, and ends in 1 hour').waitFor()
})

pageTest('after mistakes the focus is on the first, and each is tied to its field', {}, async (t, page) => {
  const { base } = await start()
  await page.goto(base)
  await page.getByLabel('Name').fill('Fine')
  await page.getByLabel('Expires').selectOption('On a day of my choice')
  await page.getByText('Allowed addresses').click()
  await page.getByLabel('Allowed addresses').fill('here')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByText('Enter the last day').waitFor()
  t.equal(await page.evaluate('document.activeElement.id'), 'ak-date')
  t.ok(await page.getByLabel('Day of my choice').isVisible())
  for (const [label, told] of [['Day of my choice', 'Enter the last day'], ['Allowed addresses', 'This is no IP address']] as const) {
    const field = page.getByLabel(label)
    t.equal(await field.getAttribute('aria-invalid'), 'true')
    const ids = (await field.getAttribute('aria-describedby') ?? '').split(' ')
    const texts = await Promise.all(ids.map((id) => page.locator(`#${id}`).textContent()))
    t.match(texts.join(' '), told)
  }
})

pageTest('long words of other languages wrap at 320 pixels', { viewport: { width: 320, height: 700 } }, async (t, page) => {
  const word = 'Unwiderruflichkeitsbestätigungsschaltfläche speichern'
  const names = ['edit.save', 'rotate.confirm', 'revoke.confirm', 'list.revoke', 'admin.revokeAllButton', 'key.rotate', 'chart.dayHeading', 'chart.accepted', 'chart.refused']
  const { base, ids } = await start({ text: Object.fromEntries(names.map((name) => [name, word])) })
  await page.setExtraHTTPHeaders({ user: 'root' })
  const key = `/${ids.get('Photo import')}`
  for (const path of ['/admin/user?id=ann', key, `${key}/edit`, `${key}/rotate`, `${key}/revoke`]) {
    await page.goto(base + path)
    await openAll(page)
    t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, path)
    t.equal(await page.evaluate("[...document.querySelectorAll('.ak-flush')].filter((card) => card.scrollWidth > card.clientWidth).length"), 0, `${path}: nothing cut off`)
  }
})

pageTest('in forced colours the tab that is shown can be told from the other', { forcedColors: 'active' }, async (t, page) => {
  const { base } = await start()
  await page.goto(base)
  const colors = await page.evaluate<string[]>("[...document.querySelectorAll('.ak-tabs a')].map((tab) => getComputedStyle(tab).borderBottomColor)")
  t.equal(colors.length, 2)
  t.equal(new Set(colors).size, 2, colors.join(' '))
})

pageTest('own colours can be read in both schemes', { colorScheme: 'dark' }, async (t, page) => {
  const { base } = await start({ colors: { accent: '#0f766e' } })
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await page.goto(base)
    t.same(await violations(page), [], scheme)
    const color = await page.evaluate<string>("getComputedStyle(document.querySelector('.ak-primary')).backgroundColor")
    t.equal(color === 'rgb(15, 118, 110)', scheme === 'light', color)
  }
})

accessibilityTests(pageTest, 'the pages of keys', async (page, check) => {
  const showcase = await start()
  const { base, ids } = showcase
  const photos = `/${ids.get('Photo import')}`
  await fillUp(showcase)
  for (const path of [
    '', '?q=camera 1', '?q=nothing', '?show=ended', '?before=00000000-0000-7000-8000-000000000000', photos, `/${ids.get('Nightly report')}`, `/${ids.get('Status board')}`,
    `/${ids.get('Phone')}`, `/${ids.get('Old laptop')}`, `${photos}/edit`, `${photos}/rotate`, `/${ids.get('Phone')}/edit`
  ]) {
    await page.goto(base + path)
    await openAll(page)
    await check(path || 'list')
  }
  await page.goto(base)
  await page.getByLabel('Expires').selectOption('On a day of my choice')
  await page.getByText('Allowed addresses').click()
  await page.getByLabel('Allowed addresses').fill('an address that is none and quite long as well, without end')
  await page.getByRole('button', { name: 'Create key' }).click()
  await check('mistakes')
  await page.goto(`${base}${photos}/rotate`)
  await page.getByRole('button', { name: 'Rotate this key' }).click()
  await check('rotated')
  await page.goto(`${base}/${ids.get('Nightly report')}`)
  await page.getByRole('button', { name: 'Disable' }).click()
  await check('notice')
  await page.setExtraHTTPHeaders({ user: 'root' })
  await page.goto(base + photos)
  await check("somebody else's")
})

test('the browser and the services are put away', async (t) => {
  await chromium.close()
  for (const { app } of services) await app.close()
  t.notOk(chromium.browser.isConnected())
})

/** Starts a service of a test's own. */
async function start (pages: Parameters<typeof buildShowcase>[0] = {}): Promise<Showcase> {
  const showcase = await buildShowcase(pages)
  services.push(showcase)
  return showcase
}

async function openAll (page: Page): Promise<void> {
  for (const details of await page.locator('details:not([open]) > summary').all()) await details.click()
}
