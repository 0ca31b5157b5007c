import { serve } from './serve.js'

await serve((app) => {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.headers['x-api-authorization'] === undefined) reply.code(401)
    done()
  })
})
