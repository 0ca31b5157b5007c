/*
 * The generator where wrk is missing. Takes what wrk.lua takes: address, connections, seconds, file, header.
 */
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

const [url = '', connections = '', seconds = '', file = '', header = ''] = process.argv.slice(2)
const credentials = readFileSync(file, 'utf8').trim().split('\n')
const share = Math.ceil(credentials.length / Number(connections))
let clients = 0

const { duration, errors, timeouts, latency, requests, statusCodeStats } = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  setupClient (client) {
    // Each connection sends a part of the credentials, so that together they send all.
    const from = clients++ * share % credentials.length
    client.setRequests(credentials.slice(from, from + share).map((credential) => ({ method: 'GET', path: '/', headers: { [header]: credential } })))
  }
})
const statuses = Object.fromEntries(Object.entries(statusCodeStats).map(([status, { count }]) => [status, count]))
const refused = Object.entries(statuses).reduce((total, [status, count]) => total + (Number(status) >= 400 ? count : 0), 0)
const { user, system } = process.cpuUsage()
process.stdout.write(`RESULT ${JSON.stringify({
  requests: requests.total, seconds: duration, p50: latency.p50, p99: latency.p99, refused, errors: errors + timeouts, cpu: (user + system) / 1e6, statuses
})}\n`)
