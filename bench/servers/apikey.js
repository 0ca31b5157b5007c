import { apiKey } from '../package.js'
import { order, serve } from './serve.js'

await serve(async (app) => { await app.register(apiKey, { database: order.database, pages: false, ...order.options }) })
