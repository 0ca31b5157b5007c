import Fastify from 'fastify'

/**
 * What a server is told when it is started.
 *
 * @typedef {object} Order
 * @property {object} options those of the row
 * @property {string} database where it may keep one; for this package's servers the one of the fixture is there already
 * @property {string} credentials where a server that issues credentials itself writes them, one a line
 */

/** @type {Order} */
export const order = JSON.parse(process.argv[2] ?? '{}')

/**
 * Runs one server of the benchmark: all have the same route and differ in what they put in front of it.
 *
 * @param {(app: import('fastify').FastifyInstance) => void | Promise<void>} protect
 */
export async function serve (protect) {
  const app = Fastify({ logger: false })
  await protect(app)
  app.get('/', (_request, reply) => { reply.send({ hello: 'world' }) })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })

  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpu: (user + system) / 1e6, rss: process.memoryUsage.rss() })
  })
  process.on('disconnect', () => app.close().finally(() => process.exit()))
  process.send?.({ port: Number(new URL(address).port) })
}
