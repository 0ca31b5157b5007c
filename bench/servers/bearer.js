import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import bearerAuth from '@fastify/bearer-auth'
import { order, serve } from './serve.js'

const { keys: count } = /** @type {{ keys: number }} */ (order.options)
const keys = Array.from({ length: count }, () => randomBytes(24).toString('base64url'))
writeFileSync(order.credentials, keys.map((key) => `Bearer ${key}\n`).join(''))

await serve(async (app) => { await app.register(bearerAuth, { keys: new Set(keys) }) })
