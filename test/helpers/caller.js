// A process of its own that sends requests with one key: caller.js <module> <options> <key> <how many>. Prints what each was answered.
const [module, options, key = '', count] = process.argv.slice(2)
const { default: Fastify } = await import('fastify')
const { default: apiKey } = await import(String(module))

const app = Fastify()
await app.register(apiKey, JSON.parse(String(options)))
app.get('/', async () => 'ok')
await app.ready()
process.send?.('ready')
await new Promise((resolve) => process.once('message', resolve))
const answers = await Promise.all(Array.from({ length: Number(count) }, ask))
await app.close()
process.send?.(answers.map((answer) => answer.statusCode === 200 ? '200' : answer.json().code))
process.disconnect()

/** Sends a request, and again where a machine that is busy with other tests lets the database answer too late. */
async function ask () {
  for (let tries = 1; ; tries++) {
    const answer = await app.inject({ url: '/', headers: { 'x-api-authorization': key } })
    if (answer.statusCode !== 503 || tries === 50) return answer
  }
}
