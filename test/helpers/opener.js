// A process of its own that opens a database and makes one key: opener.js <module> <file> <user>.
const [module, database, userId = ''] = process.argv.slice(2)
const { default: Fastify } = await import('fastify')
const { default: apiKey } = await import(String(module))

process.send?.('loaded')
await new Promise((resolve) => process.once('message', resolve))
const app = Fastify()
try {
  await app.register(apiKey, { database: String(database) })
  const { key } = await app.apiKeys.create(userId)
  const { id } = await app.apiKeys.verify(key)
  process.send?.(id)
  await app.close()
} catch (error) {
  process.send?.(String(error))
}
process.disconnect()
