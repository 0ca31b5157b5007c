import Database from 'better-sqlite3'
import { test, type Test } from 'tap'
import type { ApiKeyOptions, ProfileOptions } from '../lib/index.js'
import { textOf } from './helpers/pages.js'
import { fieldsOf, openProfile, USER } from './helpers/profile-form.js'

const OPTIONS: ApiKeyOptions = {
  maxKeys: 5, groups: { trial: { maxKeys: 1_000, canMakeKeys: false }, staff: {} }
}

const open = (t: Test, profile: ProfileOptions = {}, options = OPTIONS) => openProfile(t, profile, options)

test('the form shows what the profile says itself, and what holds where it says nothing', async (t) => {
  const { get, form, profiles } = await open(t)
  t.match(await form(), {
    group: '', limit: 'inherit', maxKeys: '', canUseApi: 'inherit', canMakeKeys: 'inherit', 'was-group': '', 'was-limit': 'inherit', 'was-maxKeys': '', 'was-canUseApi': 'inherit', 'was-canMakeKeys': 'inherit'
  })
  t.match(textOf(await get(USER)), /Group No group trial staff Key limit By default: 5 unlimited A number of its own .*May use the API By default: yes yes no May make keys By default: yes yes no/)
  await profiles.update('ann', { group: 'trial', maxKeys: 7, canUseApi: false, canMakeKeys: true })
  t.match(await form(), { group: 'trial', limit: 'own', maxKeys: '7', canUseApi: 'no', canMakeKeys: 'yes' })
  t.match(textOf(await get(USER)), /Key limit By group: 1,000 .*May use the API By group: yes yes no May make keys By group: no/)
  await profiles.update('ann', { maxKeys: -1 })
  t.match(await form(), { limit: 'unlimited', maxKeys: '' })
})

test('scopes, expiry and rate limit that hold can be read, with last access and age', async (t) => {
  const { get, profiles, app, tick } = await open(t)
  t.match(textOf(await get(USER)), 'In effect Scopes all Keys live for without end Keys live at most without end Rate limit none Quota none Last access Never Profile made just now')
  const { key } = await app.apiKeys.create('ann')
  tick(60_000)
  await app.apiKeys.verify(key)
  await profiles.update('ann', { scopes: ['read', 'write'], expiry: { default: '90d', max: '2y' }, rateLimit: { max: 1, timeWindow: '1m' }, quota: { max: 2, every: '1d' } })
  t.match(textOf(await get(USER)), 'Scopes read, write Keys live for 90 days Keys live at most 2 years Rate limit 1 request in 1 minute Quota 2 uses in 1 day Last access just now Profile made 1 minute ago')
  await profiles.update('ann', { scopes: [], quota: { max: 1 } })
  const text = textOf(await get(USER))
  t.match(text, 'Scopes none')
  t.match(text, 'Quota 1 use in total')
})

test('what was changed is saved, holds at once, and is in the history with who did it', async (t) => {
  const { app, get, send, form, profiles } = await open(t)
  const answer = await send({ ...await form(), group: 'trial', limit: 'own', maxKeys: ' 12 ', canUseApi: 'no', canMakeKeys: 'yes' })
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers.location, `${USER}&done=saved`)
  const page = await get(String(answer.headers.location))
  t.match(page.body, /<div class="ak-notice ak-success" role="status" tabindex="-1" autofocus>The profile was saved\. It holds from the next request on\.<\/div>/)
  t.match(await profiles.get('ann'), { group: 'trial', own: { maxKeys: 12, canUseApi: false, canMakeKeys: true } })
  t.match((await app.apiKeys.history({ userId: 'ann', limit: 1 })).entries, [{
    action: 'apiUserUpdated', actor: 'root', ip: '127.0.0.1', changes: { group: [null, 'trial'], maxKeys: [null, 12], canUseApi: [null, false], canMakeKeys: [null, true] }
  }])
  t.match(textOf(page), /History Profile changed by you from 127\.0\.0\.1/)

  await send({ ...await form(), group: '', limit: 'inherit', maxKeys: '', canUseApi: 'inherit', canMakeKeys: 'inherit' })
  t.match(await profiles.get('ann'), { group: null, own: { maxKeys: null, canUseApi: null, canMakeKeys: null } })
  await send({ ...await form(), limit: 'unlimited', canMakeKeys: 'no' })
  t.match(await profiles.get('ann'), { own: { maxKeys: -1, canMakeKeys: false } })
  await send({ ...await form(), limit: 'own', maxKeys: '0' })
  t.match(await profiles.get('ann'), { own: { maxKeys: 0 } })
  await send({ ...await form(), limit: 'inherit' })
  t.match(await profiles.get('ann'), { own: { maxKeys: null } }, 'a number that stays behind is not in the way')
})

test('a form in which nothing was changed changes nothing, and says so', async (t) => {
  const { app, get, send, form } = await open(t)
  let updates = 0
  app.apiKeys.on('apiUserUpdated', () => updates++)
  for (const fields of [await form(), {}]) {
    const { headers } = await send(fields)
    t.equal(headers.location, `${USER}&done=nothing`)
    t.match(textOf(await get(String(headers.location))), 'Nothing was changed.')
  }
  t.equal(updates, 0)
})

test('two administrators who change different things do not undo each other', async (t) => {
  const { send, form, profiles } = await open(t)
  const [one, two] = [await form(), await form()]
  await send({ ...one, canUseApi: 'no' })
  await send({ ...two, limit: 'own', maxKeys: '3' })
  t.match(await profiles.get('ann'), { own: { maxKeys: 3, canUseApi: false } })
})

test('what is wrong is told at its field, which has the focus; nothing is saved, and what was entered is there still', async (t) => {
  const { send, form, profiles } = await open(t, { group: 'staff' })
  for (const [fields, field, message] of [
    [{ limit: 'own' }, 'maxKeys', 'Enter how many live keys there may be.'], [{ limit: 'own', maxKeys: 'many' }, 'maxKeys', 'Enter a whole number from 0 to 1,000,000.'],
    [{ limit: 'own', maxKeys: '-1' }, 'maxKeys', 'Enter a whole number'], [{ limit: 'own', maxKeys: '1.5' }, 'maxKeys', 'Enter a whole number'],
    [{ limit: 'own', maxKeys: '1000001' }, 'maxKeys', 'Enter a whole number'], [{ maxKeys: '4' }, 'limit', 'Something is entered under “Number of keys”. To use it, choose “A number of its own”; or else empty it.'],
    [{ limit: 'unlimited', maxKeys: '4' }, 'limit', 'Something is entered under “Number of keys”'], [{ limit: 'much' }, 'limit', 'Choose one of these.'],
    [{ group: 'nobles' }, 'group', 'Choose one of these.'], [{ canUseApi: 'maybe' }, 'canUseApi', 'Choose one of these.'], [{ canMakeKeys: '' }, 'canMakeKeys', 'Choose one of these.']
  ] as const) {
    const page = await send({ ...await form(), canUseApi: 'no', ...fields })
    t.equal(page.statusCode, 400)
    t.match(page.body, '<title>Error: User ann</title>')
    t.match(textOf(page), `⚠ ${message}`)
    t.match(page.body, new RegExp(`<p class="ak-field-error" id="ak-${field}-error">`))
    t.match(page.body, new RegExp(`<(input|select) id="ak-${field}"[^>]* aria-describedby="[^"]*ak-${field}-error" aria-invalid="true" autofocus>`))
    t.match(fieldsOf(page.body), { 'was-canUseApi': 'inherit', 'was-group': 'staff', ...(field === 'maxKeys' && { ...fields, canUseApi: 'no' }) })
  }
  t.match(await profiles.get('ann'), { group: 'staff', own: { maxKeys: null, canUseApi: null, canMakeKeys: null } })
})

test('a profile in a group that is not declared any more is shown so, may stay in it, and can leave it', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  await open(t, { group: 'trial' }, { ...OPTIONS, database })
  const { get, send, form, profiles } = await open(t, {}, { database, groups: { staff: {} } })
  const page = await get(USER)
  t.match(textOf(page), 'This group is not declared in the application any more. All keys of this user are refused until you choose another or none.')
  t.match(textOf(page), 'Group No group staff trial (not declared)')
  t.match(textOf(page), 'No key can be made, since the user’s group is not declared any more.')
  t.equal((await send({ ...await form(), limit: 'own', maxKeys: '2' })).statusCode, 303)
  t.match(await profiles.get('ann'), { group: 'trial', own: { maxKeys: 2 } })
  t.equal((await send({ ...await form(), group: 'staff' })).statusCode, 303)
  t.match(await profiles.get('ann'), { group: 'staff' })
  t.equal((await send({ ...await form(), group: 'trial' })).statusCode, 400, 'nobody comes into it any more')
})

test('a profile that was deleted while the form was open is told to be gone', async (t) => {
  const { send, form, profiles } = await open(t)
  const fields = await form()
  await profiles.delete('ann')
  const page = await send({ ...fields, canUseApi: 'no' })
  t.equal(page.statusCode, 404)
  t.match(textOf(page), 'This user has no profile')
  t.equal(await profiles.get('ann'), null)
})

test('notices tell only what can be seen to be so', async (t) => {
  const { app, get } = await open(t)
  const { id } = await app.apiKeys.create('ann', { name: 'live' })
  const other = await app.apiKeys.create('bob', { name: 'of bob' })
  await app.apiKeys.revoke(other.id)
  for (const query of [`revoked=${id}`, `revoked=${other.id}`, 'revoked=none', 'revoked=', 'done=revoked', 'done=rubbish', 'done=saved&done=saved']) {
    t.notMatch((await get(`${USER}&${query}`)).body, 'ak-notice', query)
  }
  await app.apiKeys.revoke(id)
  t.match(textOf(await get(`${USER}&revoked=${id}`)), 'The key “live” was revoked.')
  const unnamed = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(unnamed.id)
  t.match(textOf(await get(`${USER}&revoked=${unnamed.id}`)), 'The key “Unnamed key” was revoked.')
})
