import { test } from 'tap'
import { hasOutline, luminance, pageTests, stepsOn, tabTo, violations } from './helpers/browser.js'
import { startChromium } from './helpers/chromium.js'
import { startExample } from './helpers/example.js'

/*
 * A real browser on the example application, which runs in a process of its own. Each test is a person of their own.
 */

const CLOSED = "navigator.clipboard.writeText = () => Promise.reject(new Error('closed'))"

const { browser, close } = await startChromium()
const pageTest = pageTests({ browser })
const example = await startExample()
const { signIn, create, callApi } = stepsOn(example.address)

test('the example application prints a line that works as pasted', async (t) => {
  const [, header = '', secret = '', url = ''] = /curl -H '([^:]+): (\S+)' (\S+)/.exec(example.output) ?? []
  const answer = await fetch(url, { headers: { [header]: secret } })
  t.equal(answer.status, 200)
  t.match(await answer.json(), { owner: 'demo' })
})

pageTest('a key from sign-in to refusal', { permissions: ['clipboard-read', 'clipboard-write'] }, async (t, page) => {
  await signIn(page, 'ann')
  await page.getByText('No keys').waitFor()

  await page.getByLabel('Name').fill('Backup server')
  await page.getByRole('button', { name: 'Create key' }).click()
  const secret = await page.getByLabel('Secret').inputValue()
  t.equal(await page.evaluate('getSelection().toString()'), secret, 'the secret is selected')
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await page.getByRole('status').getByText('Copied.').waitFor()
  t.equal(await page.evaluate('navigator.clipboard.readText()'), secret)
  const beside = page.getByRole('region', { name: 'Try it' }).getByRole('status')
  t.equal(await beside.textContent(), '')
  await page.getByRole('button', { name: 'Copy the command' }).click()
  await beside.getByText('Copied.').waitFor()
  t.equal(await page.getByText('Copied.').count(), 1, 'said beside the button that was pressed, and there alone')
  t.equal(await page.evaluate('navigator.clipboard.readText()'), `curl -H 'X-Api-Authorization: ${secret}' ${example.address}/api/buckets`)
  t.equal(await callApi(secret), 200)

  await page.getByRole('link', { name: 'I have copied it' }).click()
  const row = page.getByRole('row', { name: 'Backup server' })
  t.match(await row.textContent(), /Active\s+expires \w.*\s+just now\s+just now\s+127\.0\.0\.1/)
  t.notOk((await page.content()).includes(secret), 'the list does not show the secret')

  await row.getByRole('link', { name: 'Revoke' }).click()
  await page.getByRole('heading', { name: 'Revoke “Backup server”?' }).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('row', { name: 'Backup server' }).waitFor()
  t.equal(await callApi(secret), 200, 'Cancel changes nothing')

  await page.getByRole('link', { name: 'Revoke the key Backup server' }).click()
  await page.getByRole('button', { name: 'Revoke this key' }).click()
  t.match(await page.getByRole('status').textContent(), 'The key “Backup server” was revoked.')
  t.equal(await page.evaluate('document.activeElement.role'), 'status', 'the message has the focus')
  t.equal(await callApi(secret), 401)
  await page.getByText('No keys').waitFor()
  await page.getByRole('link', { name: 'Revoked and expired keys' }).click()
  await page.getByRole('row', { name: 'Backup server' }).waitFor()
})

for (const javaScriptEnabled of [true, false]) {
  pageTest(`at 390 pixels all of a secret and of what is beside it can be seen, ${javaScriptEnabled ? 'with' : 'without'} script`, { javaScriptEnabled, viewport: { width: 390, height: 800 } }, async (t, page) => {
    await signIn(page, `phone-${javaScriptEnabled}`)
    await create(page, 'Phone')
    const hidden = await page.evaluate('(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => [scrollWidth - clientWidth, scrollHeight - clientHeight])(document.getElementById("ak-secret"))')
    t.same(hidden, [0, 0], 'nothing is cut off')
    await page.getByRole('link', { name: 'I have copied it' }).click()
    await page.getByText('Not used').waitFor()
    t.ok(await page.evaluate('parseFloat(getComputedStyle(document.querySelector("td[data-label]")).columnGap) >= 8'), 'no label touches its value')
  })
}

pageTest('sending the form again shows no second key', {}, async (t, page) => {
  await signIn(page, 'again')
  await create(page, 'Once')
  await page.reload()
  await page.getByRole('heading', { name: 'This key was already made' }).waitFor()
  await page.getByRole('link', { name: 'Back to your keys' }).click()
  t.equal(await page.getByRole('link', { name: 'Revoke the key' }).count(), 1)
})

pageTest('everything works without script', { javaScriptEnabled: false }, async (t, page) => {
  await signIn(page, 'plain')
  const secret = await create(page, 'No script')
  t.equal(await page.getByRole('button').count(), 0, 'buttons that could do nothing are not there')
  await page.getByText('Select the whole secret and copy it.').waitFor()
  t.equal(await callApi(secret), 200)
  await page.getByRole('link', { name: 'I have copied it' }).click()
  await page.getByRole('link', { name: 'Revoke the key No script' }).click()
  await page.getByRole('button', { name: 'Revoke this key' }).click()
  await page.getByText('The key “No script” was revoked.').waitFor()
  await page.getByRole('link', { name: 'Revoked and expired keys' }).click()
  await page.getByRole('row', { name: 'No script' }).waitFor()
  t.equal(await callApi(secret), 401)
})

pageTest('where the clipboard is closed, the older way copies', { permissions: ['clipboard-read'] }, async (t, page) => {
  await page.addInitScript({ content: CLOSED })
  await signIn(page, 'older')
  const secret = await create(page, 'Older')
  await page.getByRole('button', { name: 'Copy the command' }).click()
  t.match(await page.evaluate<string>('navigator.clipboard.readText()'), `curl -H 'X-Api-Authorization: ${secret}'`)
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  t.equal(await page.evaluate('navigator.clipboard.readText()'), secret)
  await page.getByRole('status').getByText('Copied.').waitFor()
})

pageTest('where copying is refused altogether, the text is selected and the reader told', {}, async (t, page) => {
  await page.addInitScript({ content: `${CLOSED}; document.execCommand = () => false` })
  await signIn(page, 'refused')
  const secret = await create(page, 'Refused')
  await page.getByRole('button', { name: 'Copy the command' }).click()
  await page.getByRole('status').getByText('Select the text and copy it.').waitFor()
  t.match(await page.evaluate<string>('getSelection().toString()'), `curl -H 'X-Api-Authorization: ${secret}'`)
})

pageTest('everything works by keyboard alone, and the focus can be seen', {}, async (t, page) => {
  await page.goto(`${example.address}/keys`)
  await page.keyboard.type('keys-only')
  await page.keyboard.press('Enter')
  await page.getByText('No keys').waitFor()
  await tabTo(page, 'ak-name')
  await page.keyboard.press('Enter')
  await page.getByText('Enter a name').waitFor()
  t.equal(await page.evaluate('document.activeElement.id'), 'ak-name', 'after a mistake the focus is on the field')
  t.equal(await page.getByLabel('Name').getAttribute('aria-invalid'), 'true')
  await page.keyboard.type('Typed')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Your new API key' }).waitFor()
  t.equal(await page.evaluate('document.activeElement.id'), 'ak-secret', 'the secret has the focus')
  t.ok(await hasOutline(page))
  const secret = await page.getByLabel('Secret').inputValue()
  await tabTo(page, 'Copy')
  t.ok(await hasOutline(page))
  await tabTo(page, 'I have copied it')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'API keys', exact: true }).waitFor()
  await tabTo(page, 'Revoke the key Typed')
  t.ok(await hasOutline(page))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Revoke “Typed”?' }).waitFor()
  await tabTo(page, 'Revoke this key')
  await page.keyboard.press('Enter')
  await page.getByText('The key “Typed” was revoked.').waitFor()
  await tabTo(page, 'Revoked and expired keys 1')
  t.ok(await hasOutline(page))
  await page.keyboard.press('Enter')
  await page.getByRole('row', { name: 'Typed' }).waitFor()
  t.equal(await callApi(secret), 401)
})

pageTest('a session that ended while the form was open gives the entered name back', {}, async (t, page) => {
  await signIn(page, 'late')
  await page.getByLabel('Name').fill('Kept & safe')
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByText('No key was made.').waitFor()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByLabel('Name').fill('late')
  await page.getByRole('button', { name: 'Sign in' }).click()
  t.equal(await page.getByLabel('Name').inputValue(), 'Kept & safe')
})

pageTest('a session that ended while a key was changed or rotated gives back what was entered', {}, async (t, page) => {
  await signIn(page, 'later')
  await create(page, 'Before')
  await page.getByRole('link', { name: 'I have copied it' }).click()
  await page.getByRole('link', { name: 'Before', exact: true }).click()
  const url = page.url()
  const signInAgain = async () => {
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Name').fill('later')
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await page.getByRole('link', { name: 'Edit' }).click()
  await page.getByLabel('Name').fill('After & all')
  await page.getByText('Allowed addresses').click()
  await page.getByLabel('Allowed addresses').fill('127.0.0.0/8\n::1')
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('what you entered will be there').waitFor()
  await signInAgain()
  t.match(await page.getByRole('status').textContent(), 'It is not saved yet.')
  t.same(await violations(page), [])
  t.equal(await page.getByLabel('Allowed addresses').inputValue(), '127.0.0.0/8\n::1')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('The changes are saved.').waitFor()
  await page.getByRole('heading', { name: 'After & all' }).waitFor()

  await page.getByRole('link', { name: 'Rotate' }).click()
  await page.getByLabel('For 7 days').check()
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Rotate this key' }).click()
  await signInAgain()
  t.ok(await page.getByLabel('For 7 days').isChecked())
  await page.getByRole('button', { name: 'Rotate this key' }).click()
  await page.getByText('The old one still works').waitFor()
  await page.goto(url)
  await page.getByText('Allowed addresses: anywhere → 127.0.0.0/8, ::1').waitFor()
})

pageTest("a form on another site's page makes nothing", {}, async (t, page) => {
  await signIn(page, 'victim')
  await page.goto('data:text/html,' + encodeURIComponent(`<form method="post" action="${example.address}/keys"><input name="name" value="evil"><button>Go</button></form>`))
  await page.getByRole('button').click()
  // The session's cookie does not even go along.
  await page.getByRole('heading', { name: 'This form came from elsewhere' }).waitFor()
  await page.goto(`${example.address}/keys`)
  await page.getByText('No keys').waitFor()
  t.equal(await page.getByRole('row').count(), 0)
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 320]) {
    pageTest(`every page is accessible and fits, ${colorScheme}, ${width} pixels wide`, { colorScheme, viewport: { width, height: 700 } }, async (t, page) => {
      const check = async (what: string) => {
        t.same(await violations(page), [], `${what}: accessible`)
        t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, `${what}: no scrolling sideways`)
        // Ours follows the reader's wish; the sign-in page is the example's.
        if (what !== 'sign-in') t.equal(await luminance(page) > 0.5, colorScheme === 'light', `${what}: ${colorScheme}`)
      }
      await page.goto(`${example.address}/keys`)
      await check('sign-in')
      await signIn(page, `axe-${colorScheme}-${width}`)
      await check('empty')
      await page.getByRole('button', { name: 'Create key' }).click()
      await check('error')
      const secret = await create(page, 'A key with quite a long name, as people give them when they may: the backup of the photo server')
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      await check('created')
      await callApi(secret)
      await page.goto(`${example.address}/keys`)
      await create(page, 'x'.repeat(100))
      await page.reload()
      await check('message')
      await page.getByRole('link', { name: 'Back to your keys' }).click()
      await check('list')
      await page.getByRole('link', { name: 'Revoke the key x' }).click()
      await check('revoke')
      await page.getByRole('button', { name: 'Revoke this key' }).click()
      await page.getByRole('link', { name: 'Revoked and expired keys' }).click()
      await check('revoked')
      await page.goBack()
      await page.reload()
      await check('revoked already')
      await page.context().clearCookies()
      await page.goto(`${example.address}/sign-in`)
    })
  }
}

test('the browser and the application are put away', async (t) => {
  await close()
  await example.close()
  t.notOk(browser.isConnected())
})
