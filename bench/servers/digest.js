import { hash } from 'node:crypto'
import { serve } from './serve.js'

await serve((app) => {
  app.addHook('onRequest', (request, reply, done) => {
    const key = request.headers['x-api-authorization']
    // As this package computes it. The answer depends on it, so that it cannot be left out.
    if (typeof key !== 'string' || hash('sha256', key, 'binary') === '') reply.code(401)
    done()
  })
})
