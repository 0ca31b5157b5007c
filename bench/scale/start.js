/*
 * Starts the plugin once, in a new process, on the database that is there. Argument: file.
 */
import { open } from '../database.js'

const start = performance.now()
const app = await open(process.argv[2] ?? '')
await app.ready()
process.stdout.write(JSON.stringify({ ready: performance.now() - start, process: performance.now(), rss: process.memoryUsage.rss() }))
await app.close()
