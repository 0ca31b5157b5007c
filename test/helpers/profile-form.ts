import type { LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { ApiKeyOptions, ProfileOptions } from '../../lib/index.js'
import { buildAdmin } from './admin.js'

/** The page about Ann. */
export const USER = '/keys/admin/user?id=ann'

/** What a form sends, by name; a list for boxes. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

/** The pages with a profile of Ann's, what the form on her page would send, and how to send it. */
export async function openProfile (t: Test, profile: ProfileOptions = {}, options: ApiKeyOptions = {}) {
  const pages = await buildAdmin(t, options)
  await pages.app.apiKeys.profiles.create('ann', profile)
  return {
    ...pages,
    profiles: pages.app.apiKeys.profiles,
    form: async () => fieldsOf((await pages.get(USER)).body),
    send: (fields: Fields): Promise<LightMyRequestResponse> => pages.post(USER, toBody(fields))
  }
}

/** The fields of the form that changes a profile, as a browser without script would send them. */
export function fieldsOf (body: string): Fields {
  const form = /<form method="post" action="\/keys\/admin\/user[^]*?<\/form>/.exec(body)?.[0] ?? ''
  const tags = Array.from(form.matchAll(/<input [^>]*>/g), ([tag]) => tag)
  const isBox = (tag: string) => tag.includes(' type="checkbox"')
  const inputs = tags.filter((tag) => !isBox(tag)).map((tag) => [valueOf(tag, 'name'), valueOf(tag, 'value')])
  const boxes = tags.filter((tag) => isBox(tag) && tag.includes(' checked')).map((tag) => valueOf(tag, 'value'))
  const areas = Array.from(form.matchAll(/<textarea [^>]*name="([^"]*)"[^>]*>\n([^<]*)<\/textarea>/g), ([, name, text]) => [name, text])
  const selects = Array.from(form.matchAll(/<select [^>]*name="([^"]*)"[^]*?<\/select>/g), ([tag, name]) => [name, / value="([^"]*)" selected/.exec(tag)?.[1] ?? ''])
  return { ...(tags.some(isBox) && { allowedScopes: boxes }), ...Object.fromEntries([...inputs, ...areas, ...selects]) }
}

function valueOf (tag: string, attribute: string): string {
  return new RegExp(` ${attribute}="([^"]*)"`).exec(tag)?.[1] ?? ''
}

function toBody (fields: Fields): string {
  const body = new URLSearchParams()
  for (const [name, values] of Object.entries(fields)) {
    // Browsers send line ends so.
    for (const value of [values].flat()) body.append(name, value.replaceAll('\n', '\r\n'))
  }
  return body.toString()
}
