import { parseArgs } from 'node:util'
import { rows } from './rows.js'

const IN_PROCESS = 'in-process'

/**
 * @typedef {object} Arguments
 * @property {number} rounds
 * @property {number} seconds how long each server is measured in each round
 * @property {number} warmUp seconds
 * @property {boolean} isWoken whether the load generator sleeps until an answer comes
 * @property {readonly import('./rows.js').Row[]} rows bare Fastify is always one of them
 * @property {boolean} inProcess whether to take the figures without HTTP
 */

/**
 * Reads the command line of `npm run bench`.
 *
 * @returns {Arguments}
 */
export function readArguments () {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '10' },
      'warm-up': { type: 'string', default: '12' },
      woken: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] }
    }
  })
  const only = values.only.flatMap((ids) => ids.split(','))
  const known = [...rows.map(({ id }) => id), IN_PROCESS]
  const strange = only.find((id) => !known.includes(id))
  if (strange !== undefined) throw new Error(`--only takes ${known.join(', ')}, not ${strange}`)
  return {
    rounds: whole('--rounds', values.rounds),
    seconds: whole('--seconds', values.seconds),
    warmUp: whole('--warm-up', values['warm-up']),
    isWoken: values.woken,
    rows: rows.filter(({ id }) => only.length === 0 || id === 'bare' || only.includes(id)),
    inProcess: only.length === 0 || only.includes(IN_PROCESS)
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
export function whole (name, text) {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} takes a whole number above 0, not ${text}`)
  return Number(text)
}
