import websocket from '@fastify/websocket'
import t from 'tap'
import apiKey from '../lib/index.js'
import { bareServer, HEADER } from './helpers/app.js'

for (const order of ['before', 'after']) {
  t.test(`a WebSocket handshake needs a key, with @fastify/websocket registered ${order} us`, async (t) => {
    const app = bareServer(t)
    if (order === 'before') await app.register(websocket)
    await app.register(apiKey, { database: ':memory:' })
    if (order === 'after') await app.register(websocket)
    let opened = 0
    app.get('/feed', { websocket: true }, (socket, request) => {
      opened++
      socket.on('message', () => { socket.send(request.apiUser?.id ?? 'nobody') })
    })
    app.get('/public', { websocket: true, config: { apiKey: false } }, (socket) => { socket.on('message', () => { socket.send('public') }) })
    await app.ready()
    const { id, key } = await app.apiKeys.create('ann')

    const talk = async (url: string, headers: Record<string, string>) => {
      const socket = await app.injectWS(url, { headers })
      const answer = new Promise<string>((resolve) => { socket.once('message', (data: Buffer) => { resolve(String(data)) }) })
      socket.send('who am I')
      const text = await answer
      socket.terminate()
      return text
    }
    t.equal(await talk('/feed', { [HEADER]: key }), 'ann')
    t.equal(await talk('/public', {}), 'public')
    await t.rejects(talk('/feed', {}), { message: /401/ })
    await t.rejects(talk('/feed', { [HEADER]: 'bad' }), { message: /401/ })
    await app.apiKeys.revoke(id)
    await t.rejects(talk('/feed', { [HEADER]: key }), { message: /401/ })
    t.equal(opened, 1)
  })
}
