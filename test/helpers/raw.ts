import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Sends text to a server as it is, and gives the status and the text of its answer. */
export async function sendRaw (app: FastifyInstance, request: string): Promise<{ status: number, text: string }> {
  await app.ready()
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const socket = connect(address.port, '127.0.0.1')
  socket.end(request)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text }
}

/** A GET request with these lines of headers, as they are. */
export function get (url: string, ...headers: string[]): string {
  return [`GET ${url} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n')
}
