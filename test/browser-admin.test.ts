import { test } from 'tap'
import { hasOutline, luminance, pageTests, stepsOn, tabTo, violations } from './helpers/browser.js'
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

pageTest('nobody else gets there', {}, async (t, page) => {
  await signIn(page, 'mallory', '/keys')
  t.equal(await page.getByRole('link', { name: 'Administration' }).count(), 0)
  t.equal((await page.goto(ADMIN))?.status(), 404)
  await page.getByRole('heading', { name: 'There is no such key' }).waitFor()
})

for (const javaScriptEnabled of [true, false]) {
  pageTest(`from a user to a dead key, ${javaScriptEnabled ? 'with' : 'without'} script`, { javaScriptEnabled }, async (t, page) => {
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

    await page.getByLabel('Number', { exact: true }).fill('2')
    await page.getByRole('button', { name: 'Save the profile' }).click()
    await page.getByText('To use the number, choose').waitFor()
    t.equal(await page.locator(':focus').getAttribute('id'), 'ak-limit', 'the mistake has the focus')
    await page.getByLabel('Key limit').selectOption('own')
    await page.getByLabel('May make keys').selectOption('yes')
    await page.getByRole('button', { name: 'Save the profile' }).click()
    t.match(await page.getByRole('status').textContent(), 'The profile was saved.')
    t.equal(await page.locator(':focus').getAttribute('role'), 'status', 'the message has the focus')
    t.equal(await page.getByLabel('Number', { exact: true }).inputValue(), '2')

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
    await page.getByRole('link', { name: 'Ended keys' }).click()
    await page.getByRole('row', { name: 'Backup server' }).waitFor()
    t.equal(await page.getByRole('row').count(), 4)
  })
}

pageTest('everything works by keyboard alone, and the focus can be seen', {}, async (t, page) => {
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
  await enter('Save the profile')
  await page.getByText('The profile was saved.').waitFor()
  t.equal(await page.getByLabel('May use the API').inputValue(), 'no')
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
  await enter('Revoke all of them')
  await page.getByText('All keys of this user are revoked.').waitFor()
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 320]) {
    pageTest(`every page is accessible and fits, ${colorScheme}, ${width} pixels wide`, { colorScheme, viewport: { width, height: 700 } }, async (t, page) => {
      const check = async (what: string) => {
        t.same(await violations(page), [], `${what}: accessible`)
        t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, `${what}: no scrolling sideways`)
        t.equal(await luminance(page) > 0.5, colorScheme === 'light', `${what}: ${colorScheme}`)
      }
      const open = async (path: string, what: string) => {
        await page.goto(ADMIN + path)
        await check(what)
      }
      const user = `${colorScheme}-${width}-with-an-id-as-long-as-that-of-an-account-of-some-other-service`
      await signIn(page, 'admin', '/keys/admin')
      await check('users')
      await open('?q=zzz', 'nobody found')
      await open('/user?id=', 'wrong id')
      await open(`/user?id=${user}`, 'no profile')
      await page.getByRole('button', { name: 'Make a profile' }).click()
      await check('empty profile')
      await page.getByLabel('Key limit').selectOption('own')
      await page.getByRole('button', { name: 'Save the profile' }).click()
      await check('wrong limit')
      await page.getByLabel('Number', { exact: true }).fill('17')
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
  }
}

test('the browser and the application are put away', async (t) => {
  await close()
  await example.close()
  t.notOk(browser.isConnected())
})
