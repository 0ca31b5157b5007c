import { test } from 'tap'
import type { Page } from 'playwright-core'
import { accessibilityTests, hasOutline, pageTests, stepsOn, tabTo } from './helpers/browser.js'
import { startChromium } from './helpers/chromium.js'
import { startExample } from './helpers/example.js'

/*
 * A real browser on the pages for administrators of the example application. Each test looks after users of its own.
 */

const { browser, close } = await startChromium()
const pageTest = pageTests({ browser })
const example = await startExample()
const { signIn, create, callApi } = stepsOn(example.address)
const ADMIN = `${example.address}/keys/admin`

test('the example application says who is an administrator, and where the pages are', async (t) => {
  t.match(example.output, `as admin you look after everybody's keys: ${ADMIN}`)
  t.match(await (await fetch(`${example.address}/sign-in`)).text(), 'As <strong>admin</strong> you look after everybody’s keys.')
})

pageTest('nobody but administrators gets to their pages', {}, async (t, page) => {
  await signIn(page, 'mallory', '/keys')
  t.equal(await page.getByRole('link', { name: 'Administration' }).count(), 0)
  t.equal((await page.goto(ADMIN))?.status(), 404)
  await page.getByRole('heading', { name: 'There is no such key' }).waitFor()
})

for (const javaScriptEnabled of [true, false]) {
  pageTest(`an administrator finds a user, sets a limit, makes keys, and revokes one that was found and then all, ${javaScriptEnabled ? 'with' : 'without'} script`, { javaScriptEnabled }, async (t, page) => {
    const user = `maria-${javaScriptEnabled ? 'scripted' : 'plain'}`
    await signIn(page, 'admin', '/keys')
    await page.getByRole('link', { name: 'Administration' }).click()
    await page.getByLabel('User id', { exact: true }).fill(` ${user} `)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('heading', { name: 'This user has no profile' }).waitFor()
    await page.getByRole('button', { name: 'Make a profile' }).click()
    await page.getByText('This user has a profile now.').waitFor()

    await page.getByRole('link', { name: 'Administration' }).click()
    await page.getByLabel('Beginning of the user id').fill(user.slice(0, -3))
    await page.getByRole('button', { name: 'Find' }).click()
    t.equal(await page.getByRole('row').count(), 2, 'the head and one user')
    await page.getByRole('link', { name: user }).click()

    const number = page.getByLabel('Number of keys')
    t.equal(await number.isVisible(), !javaScriptEnabled, 'a script hides what was not chosen')
    if (!javaScriptEnabled) {
      await number.fill('2')
      await page.getByRole('button', { name: 'Save the profile' }).click()
      await page.getByText('Something is entered under “Number of keys”.').waitFor()
      t.equal(await page.locator(':focus').getAttribute('id'), 'ak-limit', 'the mistake has the focus')
    }
    await choose(page, 'Key limit', 'own')
    await number.fill('2')
    await choose(page, 'May make keys', 'yes')
    await page.getByRole('button', { name: 'Save the profile' }).click()
    t.match(await page.getByRole('status').textContent(), 'The profile was saved.')
    t.equal(await page.locator(':focus').getAttribute('role'), 'status', 'the message has the focus')
    t.equal(await page.getByLabel('Number of keys').inputValue(), '2')

    const secret = await create(page, 'Backup server')
    t.equal(await callApi(secret), 200)
    await page.getByRole('link', { name: 'I have copied it' }).click()
    await page.getByRole('heading', { name: `User ${user}` }).waitFor()
    await page.getByRole('link', { name: 'Administration' }).click()
    await page.getByLabel('Found key').fill(`"Authorization: Bearer ${secret}" `)
    await page.getByRole('button', { name: 'Whose is it?' }).click()
    await page.getByRole('heading', { name: `This key belongs to ${user}` }).waitFor()
    await page.getByText('Requests with it are accepted.').waitFor()
    t.notOk((await page.content()).includes(secret))
    t.notOk(page.url().includes(secret))
    await page.getByRole('link', { name: 'Revoke this key…' }).click()
    await page.getByText(`This key belongs to ${user}.`).waitFor()
    await page.getByRole('button', { name: 'Revoke this key' }).click()
    await page.getByText('The key “Backup server” was revoked.').waitFor()
    t.equal(await callApi(secret), 401)

    const secrets = []
    for (const name of ['One', 'Two']) {
      secrets.push(await create(page, name))
      await page.getByRole('link', { name: 'I have copied it' }).click()
    }
    await page.getByText('as many as the limit allows: 2').waitFor()
    await page.getByRole('link', { name: 'Revoke all keys…' }).click()
    await page.getByRole('heading', { name: `Revoke all 2 keys of ${user}?` }).waitFor()
    await page.getByLabel('Reason').fill('left the company')
    await page.getByRole('button', { name: 'Revoke all of them' }).click()
    await page.getByText('All keys of this user are revoked.').waitFor()
    for (const dead of secrets) t.equal(await callApi(dead), 401)
    t.equal(await page.getByText('Reason: left the company').count(), 2, 'the history has it')
    await page.getByRole('link', { name: 'Revoked and expired keys' }).click()
    await page.getByRole('row', { name: 'Backup server' }).waitFor()
    t.equal(await page.getByRole('row').count(), 4)
  })
}

for (const javaScriptEnabled of [true, false]) {
  pageTest(`scopes, expiry and limits are set, and keys obey, ${javaScriptEnabled ? 'with' : 'without'} script`, { javaScriptEnabled }, async (t, page) => {
    const user = `lee-${javaScriptEnabled ? 'scripted' : 'plain'}`
    const save = () => page.getByRole('button', { name: 'Save the profile' }).click()
    const holds = async () => (await page.getByRole('region', { name: 'In effect' }).innerText()).replace(/\s+/g, ' ')
    await signIn(page, 'admin', `/keys/admin/user?id=${user}`)
    await page.getByRole('button', { name: 'Make a profile' }).click()
    await choose(page, 'Allowed scopes', 'own')
    await page.getByRole('region', { name: 'Profile' }).getByRole('checkbox', { name: 'buckets:read' }).check()
    await choose(page, 'Keys live for', 'own')
    await page.getByRole('group', { name: 'Keys live for' }).getByLabel('Lifetime').fill('30d')
    await choose(page, 'Keys live at most', 'none')
    await choose(page, 'Rate limit', 'own')
    await page.getByLabel('Requests of each key').fill('2')
    await choose(page, 'Quota', 'every')
    await page.getByLabel('Uses of each key').fill('500')
    await page.getByLabel('In each').fill('1d')
    await save()
    await page.getByText('Enter within which time they are counted.').waitFor()
    t.equal(await page.locator(':focus').getAttribute('id'), 'ak-rateWindow', 'the missing half has the focus')
    t.equal(await page.getByLabel('Uses of each key').inputValue(), '500')
    await page.getByLabel('Within').fill('1h')
    await save()
    t.match(await page.getByRole('status').textContent(), 'The profile was saved.')
    t.match(await holds(), 'Scopes buckets:read Keys live for 30 days Keys live at most without end Rate limit 2 requests in 1 hour Quota 500 uses in 1 day')
    await page.getByText('Rate limit: the default → 2 requests in 1 hour').waitFor()
    await page.getByText('Quota: the default → 500 uses in 1 day').waitFor()

    t.equal(await page.getByRole('checkbox', { name: 'buckets:write' }).count(), 1, 'no key can be given more')
    const secret = await create(page, 'Limited')
    t.equal(await callApi(secret), 200)
    t.equal(await callApi(secret), 200)
    t.equal(await callApi(secret), 429)
    await page.getByRole('link', { name: 'I have copied it' }).click()
    await page.getByRole('link', { name: 'Limited' }).first().click()
    await page.getByText('2 of 500 uses').waitFor()
    await page.getByText('2 requests in 1 hour').waitFor()

    await page.goto(`${ADMIN}/user?id=${user}`)
    for (const name of ['Allowed scopes', 'Keys live for', 'Keys live at most', 'Rate limit', 'Quota']) await choose(page, name, 'inherit')
    await save()
    t.match(await holds(), 'Scopes buckets:read, buckets:write Keys live for 90 days Keys live at most 1 year Rate limit none Quota none')
    t.equal(await callApi(secret), 200, 'it holds from the next request on')
  })
}

pageTest('what was chosen is there when one comes back', {}, async (t, page) => {
  await signIn(page, 'admin', '/keys/admin/user?id=back')
  await page.getByRole('button', { name: 'Make a profile' }).click()
  await choose(page, 'Quota', 'total')
  t.ok(await page.getByLabel('Uses of each key').isVisible())
  t.notOk(await page.getByLabel('In each').isVisible(), 'a total has no period')
  await page.getByLabel('Uses of each key').fill('7')
  await choose(page, 'Quota', 'none')
  t.notOk(await page.getByLabel('Uses of each key').isVisible())
  await page.getByRole('button', { name: 'Save the profile' }).click()
  await page.getByText('The profile was saved.').waitFor()
  t.equal(await page.getByRole('combobox', { name: 'Quota' }).inputValue(), 'none', 'what is hidden is not in the way')
  await choose(page, 'Quota', 'every')
  await page.getByLabel('In each').fill('1d')
  await page.getByRole('link', { name: 'Administration' }).click()
  await page.goBack()
  const chosen = await page.getByRole('combobox', { name: 'Quota' }).inputValue()
  t.equal(await page.getByLabel('In each').isVisible(), chosen === 'every')
})

pageTest('all that administrators do works by keyboard alone, and the focus can be seen', {}, async (t, page) => {
  const enter = async (target: string) => {
    await tabTo(page, target)
    t.ok(await hasOutline(page), target)
    await page.keyboard.press('Enter')
  }
  await signIn(page, 'admin', '/keys/admin')
  await tabTo(page, 'ak-id')
  await page.keyboard.type('keyboard')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'This user has no profile' }).waitFor()
  await enter('Make a profile')
  await page.getByText('This user has a profile now.').waitFor()
  await tabTo(page, 'ak-canUseApi')
  await page.keyboard.press('n')
  await tabTo(page, 'ak-rateLimit')
  for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowDown')
  await tabTo(page, 'ak-rateMax')
  t.ok(await hasOutline(page))
  await page.keyboard.type('5')
  await tabTo(page, 'ak-rateWindow')
  await page.keyboard.type('1m')
  await enter('Save the profile')
  await page.getByText('The profile was saved.').waitFor()
  t.equal(await page.getByLabel('May use the API').inputValue(), 'no')
  await page.getByRole('definition').filter({ hasText: '5 requests in 1 minute' }).waitFor()
  await tabTo(page, 'ak-name')
  await page.keyboard.type('Typed')
  await page.keyboard.press('Enter')
  const secret = await page.getByLabel('Secret').inputValue()
  await page.goto(ADMIN)
  await tabTo(page, 'ak-found')
  await page.keyboard.press('Enter')
  await page.getByText('Paste the key that you found.').waitFor()
  t.equal(await page.locator(':focus').getAttribute('id'), 'ak-found', 'after a mistake the focus is on the field')
  await page.keyboard.insertText(secret)
  await page.keyboard.press('Enter')
  await page.getByText('Requests with it are refused. None of the user’s keys').waitFor()
  await enter('Show the user')
  await enter('Revoke all keys…')
  await enter('Revoke this key')
  await page.getByText('All keys of this user are revoked.').waitFor()
})

accessibilityTests(pageTest, 'the pages for administrators', async (page, check, look) => {
  const open = async (path: string, what: string) => {
    await page.goto(ADMIN + path)
    await check(what)
  }
  const user = `${look}-with-an-id-as-long-as-that-of-an-account-of-some-other-service`
  await signIn(page, 'admin', '/keys/admin')
  await check('users')
  await open('?q=zzz', 'nobody found')
  await open('/user?id=', 'wrong id')
  await open(`/user?id=${user}`, 'no profile')
  await page.getByRole('button', { name: 'Make a profile' }).click()
  await check('empty profile')
  for (const name of ['Key limit', 'Allowed scopes', 'Keys live for', 'Keys live at most', 'Rate limit']) await choose(page, name, 'own')
  await choose(page, 'Quota', 'every')
  await check('all fields')
  await page.getByRole('button', { name: 'Save the profile' }).click()
  await check('all fields wrong')
  for (const name of ['Allowed scopes', 'Keys live for', 'Keys live at most', 'Rate limit', 'Quota']) await choose(page, name, 'inherit')
  await page.getByLabel('Number of keys').fill('17')
  await page.getByRole('button', { name: 'Save the profile' }).click()
  await check('saved')
  let secret = ''
  for (let i = 0; i < 17; i++) {
    secret = await create(page, `${i} ${'long-name'.repeat(10)}`)
    if (i === 0) await check('new key')
    await page.goto(`${ADMIN}/user?id=${user}`)
  }
  await callApi(secret)
  await page.reload()
  await check('full profile, paging, history')
  await page.getByRole('link', { name: 'Next page' }).click()
  await check('next page')
  await open('', 'users again')
  await page.getByRole('button', { name: 'Whose is it?' }).click()
  await check('empty box')
  await page.getByLabel('Found key').fill(secret)
  await page.getByRole('button', { name: 'Whose is it?' }).click()
  await check('found')
  await page.getByLabel('Found key').fill('nonsense')
  await page.getByRole('button', { name: 'Whose is it?' }).click()
  await check('not found')
  await open(`/revoke-all?user=${user}`, 'revoke all')
  await page.getByRole('button', { name: 'Revoke all of them' }).click()
  await check('all revoked')
  await open(`/revoke-all?user=${user}`, 'nothing to revoke')
  await open(`/user?id=${user}&keys=ended`, 'ended keys')
})

test('the browser and the application are put away', async (t) => {
  await close()
  await example.close()
  t.notOk(browser.isConnected())
})

async function choose (page: Page, name: string, value: string): Promise<void> {
  await page.getByRole('combobox', { name }).selectOption(value)
}
