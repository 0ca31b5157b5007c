import type { Result } from 'axe-core'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { test, type Test } from 'tap'
import type { RunningBrowser } from './chromium.js'

/*
 * What tests in a real browser share.
 */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Runs a test with a page of its own. */
export type PageTest = (title: string, options: BrowserContextOptions, run: (t: Test, page: Page) => Promise<void>) => void

/** Makes tests with a page of their own, about which the browser must not complain. */
export function pageTests ({ browser }: Pick<RunningBrowser, 'browser'>): PageTest {
  return (title, options, run) => {
    test(title, async (t) => {
      const context = await browser.newContext(options)
      context.setDefaultTimeout(10_000)
      t.after(() => context.close())
      const page = await context.newPage()
      // A page that breaks its own Content-Security-Policy or has a fault in its script says so here.
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => { if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text()) })
      await run(t, page)
      t.same(complaints, [], 'no complaints of the browser')
    })
  }
}

/** Checks the page that is open, which `what` names. One that is not ours need not follow the reader's wish for a scheme. */
export type PageCheck = (what: string, isOurs?: boolean) => Promise<void>

/**
 * Makes tests, one for each scheme on a wide and on a narrow screen, in which pages are opened and checked: each must be
 * accessible, fit, and follow the scheme. `look` tells the tests apart.
 */
export function accessibilityTests (pageTest: PageTest, pages: string, run: (page: Page, check: PageCheck, look: string) => Promise<void>): void {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      pageTest(`${pages} are accessible and fit, ${colorScheme}, ${width} pixels wide`, { colorScheme, viewport: { width, height: 700 } }, async (t, page) => {
        const check: PageCheck = async (what, isOurs = true) => {
          t.same(await violations(page), [], `${what}: accessible`)
          t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, `${what}: no scrolling sideways`)
          if (isOurs) t.equal(await luminance(page) > 0.5, colorScheme === 'light', `${what}: ${colorScheme}`)
        }
        await run(page, check, `${colorScheme}-${width}`)
      })
    }
  }
}

/** What people do on the pages of the example application, and a program on its API. */
export interface Steps {
  /** Opens a page, and signs in where that asks for it. */
  signIn (page: Page, name: string, path?: string): Promise<void>
  /** Fills the form for a new key and gives the secret. */
  create (page: Page, name: string): Promise<string>
  /** Gives the status that a request with a key is answered with. */
  callApi (secret: string): Promise<number>
}

/** Steps on the example application at this address. */
export function stepsOn (address: string): Steps {
  return {
    async signIn (page, name, path = '/keys') {
      await page.goto(address + path)
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText(`Signed in as ${name}`).waitFor()
    },
    async create (page, name) {
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Create key' }).click()
      return await page.getByLabel('Secret').inputValue()
    },
    async callApi (secret) {
      return (await fetch(`${address}/api/buckets`, { headers: { 'x-api-authorization': secret } })).status
    }
  }
}

/** Presses Tab until the element with this id or text has the focus. */
export async function tabTo (page: Page, target: string): Promise<void> {
  for (let i = 0; i < 30; i++) {
    const focused = page.locator(':focus')
    const at = await focused.count() === 0 ? [] : [await focused.getAttribute('id'), (await focused.innerText()).replace(/\s+/g, ' ').trim()]
    // The name for screen readers is the last part of a text.
    if (at.some((name) => name?.endsWith(target))) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach ${target}`)
}

/** Whether the element with the focus shows that it has it. */
export async function hasOutline (page: Page): Promise<boolean> {
  const style = await page.evaluate<string>("(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth].join(' '))(getComputedStyle(document.activeElement))")
  return style === 'solid 2px'
}

/** How light the background is, from 0 to 1. */
async function luminance (page: Page): Promise<number> {
  const color = await page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
  const [red = 0, green = 0, blue = 0] = color.match(/\d+/g)?.map(Number) ?? []
  return (red + green + blue) / 765
}

/** What axe has against the page, by rule and element. The page's own policy does not stop what the test brings along. */
export async function violations (page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  // All rules run. But to describe each element that passes one, and to send that here, takes twice as long as the rules.
  const options = JSON.stringify({ runOnly: RULES, resultTypes: ['violations'] })
  const found = await page.evaluate<Result[]>(`axe.run(document, ${options}).then(({ violations }) => violations)`)
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`))
}
