import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import fp from 'fastify-plugin'
import { randomBytes } from 'node:crypto'

/*
 * Signing in by name alone, so that the example needs no users. Your application has something better here, and
 * tells fastify-apikey about it with a function such as `getUser`.
 */

const NAME = /^[a-z0-9][a-z0-9._-]{0,29}$/
const LOCAL_PATH = /^\/(?![/\\])[\x21-\x7e]*$/
/** @type {import('@fastify/cookie').CookieSerializeOptions} */
const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto', signed: true }

/**
 * Who has signed in; null when nobody has. Administrators are those who your application says are.
 *
 * @param {import('fastify').FastifyRequest} request
 */
export function getUser (request) {
  const { valid, value } = request.unsignCookie(request.cookies['session'] ?? '')
  return valid && value !== null ? { id: value, name: value, admin: value === 'admin' } : null
}

export const signIn = fp(async (app) => {
  // Sessions end with the process.
  await app.register(cookie, { secret: randomBytes(32).toString('hex') })
  await app.register(routes)
})

/** @param {import('fastify').FastifyInstance} app */
async function routes (app) {
  const open = { config: { apiKey: /** @type {const} */ (false) } }
  await app.register(formbody)

  app.get('/sign-in', open, (request, reply) => {
    return reply.type('text/html').send(page(localPath(request.query)))
  })

  app.post('/sign-in', open, (request, reply) => {
    const name = text(request.body, 'name').trim().toLowerCase()
    const next = localPath(request.query)
    if (!NAME.test(name)) return reply.code(400).type('text/html').send(page(next, 'Use letters, digits, dots and dashes, at most 30.'))
    return reply.setCookie('session', name, COOKIE).redirect(next, 303)
  })

  app.post('/sign-out', open, (_request, reply) => reply.clearCookie('session', COOKIE).redirect('/', 303))
}

/**
 * Where to go after signing in: never to another site.
 *
 * @param {unknown} query
 */
function localPath (query) {
  const next = text(query, 'next')
  return LOCAL_PATH.test(next) ? next : '/keys'
}

/**
 * @param {unknown} fields
 * @param {string} name
 */
function text (fields, name) {
  const value = Object(fields)[name]
  return typeof value === 'string' ? value : ''
}

/**
 * @param {string} next
 * @param {string} [error]
 */
function page (next, error = '') {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${error && 'Error: '}Sign in</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 20rem; margin: 12vh auto; padding: 0 1rem }
  input, button { box-sizing: border-box; width: 100%; min-height: 2.5rem; margin: .35rem 0 .75rem; font: inherit }
</style>
<main>
  <h1>Sign in</h1>
  <p>This is a demonstration: any name will do, without a password. As <strong>admin</strong> you look after everybody’s keys.</p>
  <form method="post" action="/sign-in?next=${encodeURIComponent(next)}">
    <label for="name">Name</label>
    <input id="name" name="name" required autofocus autocomplete="username"${error && ' aria-invalid="true" aria-describedby="error"'}>
    ${error && `<p id="error">${error}</p>`}
    <button>Sign in</button>
  </form>
</main>
</html>`
}
