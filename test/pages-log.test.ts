import { test } from 'tap'
import { generateSecret } from '../lib/keys/secret.js'
import { Log } from './helpers/app.js'
import { buildPages } from './helpers/pages.js'

test('a secret that somebody puts into an address is in no line that the pages write', async (t) => {
  const log = new Log()
  const { get, post } = await buildPages(t, {}, undefined, { logger: { level: 'trace', stream: log.stream }, disableRequestLogging: true })
  const secret = generateSecret('ak', 32)
  for (const path of [secret, `${secret}/edit`, `${secret}/a/b`]) t.equal((await get(`/keys/${path}`)).statusCode, 404)
  t.equal((await post(`/keys/${secret}/a/b`, {})).statusCode, 404)
  t.ok(log.lines.filter(({ msg }) => msg === 'a page for API keys refused a request').length >= 4)
  t.notOk(log.text.includes(secret.slice(8)))
})
