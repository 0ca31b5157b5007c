import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { serveUses } from './use-serving.js'

await serveUses(parentPort as MessagePort, workerData)
