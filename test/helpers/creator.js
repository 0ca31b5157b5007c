// A process of its own that makes keys: creator.js <module> <file> <user> <how many> <limit>. Prints what came of each.
const [module, database, userId = '', count, maxKeys] = process.argv.slice(2)
const { default: Fastify } = await import('fastify')
const { default: apiKey } = await import(String(module))

const app = Fastify()
await app.register(apiKey, { database: String(database), maxKeys: Number(maxKeys) })
process.send?.('ready')
await new Promise((resolve) => process.once('message', resolve))
const results = await Promise.allSettled(Array.from({ length: Number(count) }, () => app.apiKeys.create(userId)))
await app.close()
process.send?.(results.map((result) => result.status === 'fulfilled' ? 'made' : result.reason.code))
process.disconnect()
