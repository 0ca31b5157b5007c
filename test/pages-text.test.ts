import { test } from 'tap'
import { buildPages, NOW, textOf } from './helpers/pages.js'

test('an application speaks in its own words and language, with plurals and dates of that', async (t) => {
  const { app, get } = await buildPages(t, {
    maxKeys: 7,
    pages: { text: { locale: 'pl', 'list.title': 'Klucze', 'room.left': { one: 'Jeszcze {count} klucz', few: 'Jeszcze {count} klucze', other: 'Jeszcze {count} kluczy' } } }
  })
  t.match((await get('/keys')).body, '<html lang="pl" ')
  t.match(textOf(await get('/keys')), 'Jeszcze 7 kluczy')
  await app.apiKeys.createMany(Array.from({ length: 4 }, () => ({ userId: 'ann' })))
  const page = await get('/keys')
  t.match(textOf(page), 'Klucze Keys let your programs')
  t.match(textOf(page), 'Jeszcze 3 klucze')
  await app.apiKeys.createMany(Array.from({ length: 2 }, () => ({ userId: 'ann' })))
  t.match(textOf(await get('/keys')), 'Jeszcze 1 klucz')
  t.match(page.body, new Intl.DateTimeFormat('pl', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' }).format(NOW))
})

test('languages that are written from right to left say so', async (t) => {
  for (const [locale, direction] of [['ar', 'rtl'], ['he-IL', 'rtl'], ['fa', 'rtl'], ['fr', 'ltr'], ['az-Arab', 'rtl']] as const) {
    const { get } = await buildPages(t, { pages: { text: { locale } } })
    t.match((await get('/keys')).body, `<html lang="${locale}" dir="${direction}"`)
  }
  t.match((await (await buildPages(t)).get('/keys')).body, '<html lang="en-GB" dir="ltr"')
})

test('an application that speaks several languages gives texts by request', async (t) => {
  const french = { locale: 'fr', 'list.title': 'Clés' }
  const { get } = await buildPages(t, { pages: { text: (request) => request.headers['accept-language'] === 'fr' ? french : {} } })
  t.match((await get('/keys', 'ann', { 'accept-language': 'fr' })).body, '<title>Clés</title>')
  t.match((await get('/keys')).body, '<title>API keys</title>')
})

test('texts are text, never markup', async (t) => {
  const { get } = await buildPages(t, { pages: { text: { 'list.title': '<b>"Keys" & more</b>' }, name: '<i>Photos</i>' } })
  const { body } = await get('/keys')
  t.match(body, '<h1>&lt;b&gt;&quot;Keys&quot; &amp; more&lt;/b&gt;</h1>')
  t.match(body, ' – &lt;i&gt;Photos&lt;/i&gt;</title>')
})

test('a wrong text is refused at start-up, or where a function gives it, with a page that says that it failed', async (t) => {
  for (const [text, message] of [
    [{ 'list.titel': 'x' }, /pages\.text\.list\.titel must be one of locale, /],
    [{ 'list.title': 5 }, /pages\.text\.list\.title must be text of at most 1000 characters, or/],
    [{ 'room.left': { one: 'x' } }, /of which other must be there/],
    [{ 'room.left': { other: 'x', three: 'y' } }, /some of zero, one, two, few, many, other/],
    [{ locale: 'no such tag' }, /pages\.text\.locale must be a language tag/],
    [{ locale: 'zz' }, /a language tag that Intl knows/],
    [{ locale: 5 }, /a language tag that Intl knows/]
  ] as const) {
    await t.rejects(buildPages(t, { pages: { text: text as object } }), { code: 'FST_API_KEY_INVALID_OPTION', message })
    const { get } = await buildPages(t, { pages: { text: () => text as object } })
    const page = await get('/keys')
    t.equal(page.statusCode, 500)
    t.match(textOf({ ...page, body: `<main${page.body}` }), 'Something went wrong')
  }
})
