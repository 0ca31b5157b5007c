import { writeFileSync } from 'node:fs'
import jwt from '@fastify/jwt'
import { order, serve } from './serve.js'

const { tokens } = /** @type {{ tokens: number }} */ (order.options)

await serve(async (app) => {
  await app.register(jwt, { secret: 'a secret of the benchmark, 32 bytes or longer' })
  const all = Array.from({ length: tokens }, (_, i) => app.jwt.sign({ sub: `user-${i}` }))
  writeFileSync(order.credentials, all.map((token) => `Bearer ${token}\n`).join(''))
  app.addHook('onRequest', async (request) => { await request.jwtVerify() })
})
