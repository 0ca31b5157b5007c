import pg from 'pg'
import t from 'tap'
import { describePostgres } from '../lib/store/postgres/connecting.js'
import { isCollision, isHarmless, reasonOf, Refused, toStoreError } from '../lib/store/postgres/failures.js'

/** An error as the driver makes it of what the database or a socket says. */
const coded = (code: string, message = 'it said so') => Object.assign(new Error(message), { code, detail: 'digest \\x00' })

/** The same as Drizzle wraps it. */
const wrapped = (cause: Error) => new Error('Failed query: select secret', { cause })

t.test('what means that the database cannot answer now is 503, what means that a statement was wrong 500', async (t) => {
  for (const code of ['08006', '26000', '28P01', '3D000', '40P01', '53300', '54000', '55P03', '57P01', '57014', '58030', 'XX000', '25006', 'ECONNREFUSED', 'EPIPE', 'ENOTFOUND']) {
    t.match(toStoreError(wrapped(coded(code))), { code: 'FST_API_KEY_UNAVAILABLE', statusCode: 503, cause: { name: code, message: 'it said so' } })
  }
  for (const code of ['22021', '23505', '42P01', '42501', '0A000', '25001', '21000']) {
    t.match(toStoreError(coded(code)), { code: 'FST_API_KEY_INTERNAL', statusCode: 500, cause: { name: code } })
  }
  t.match(toStoreError(new Error('Connection terminated unexpectedly')), { code: 'FST_API_KEY_UNAVAILABLE' })
  t.match(toStoreError(new TypeError('x is not a function')), { code: 'FST_API_KEY_INTERNAL' })
  t.match(toStoreError('thrown'), { code: 'FST_API_KEY_UNAVAILABLE', cause: { message: 'thrown' } })
  const unavailable = toStoreError(coded('57P01'))
  t.equal(toStoreError(unavailable), unavailable)
})

t.test('neither SQL nor values are in an error, not even in its cause', async (t) => {
  const text = JSON.stringify(toStoreError(wrapped(coded('23505'))), ['message', 'cause', 'detail', 'name', 'stack'])
  t.notMatch(text, /select secret|digest/)
})

t.test('a name with several addresses fails with the reason of the first', async (t) => {
  t.equal(reasonOf(Object.assign(new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'), coded('ECONNREFUSED')]), { code: 'ECONNREFUSED' })), 'connect ECONNREFUSED ::1:1 (ECONNREFUSED)')
  t.equal(reasonOf(new AggregateError([], 'nothing')), 'nothing')
})

t.test('a connection is kept after an answer of the database, but not when it is about to close or its prepared statements are gone', async (t) => {
  t.ok(isHarmless(coded('23505')))
  t.ok(isHarmless(new Refused({ refused: 'nonce', userId: 'ann' })))
  for (const error of [coded('57P01'), coded('26000'), coded('0A000'), coded('EPIPE'), new Error('Query read timeout')]) t.notOk(isHarmless(error))
})

t.test('deadlocks and serialization failures are collisions, and nothing else is', async (t) => {
  t.ok(isCollision(coded('40P01')))
  t.ok(isCollision(wrapped(coded('40001'))))
  for (const error of [coded('40002'), coded('57P01'), new Error('40P01')]) t.notOk(isCollision(error))
})

t.test('where a database is, is told without what else is in its URL', async (t) => {
  const names = ['PGHOST', 'PGPORT', 'PGDATABASE']
  const before = names.map((name) => process.env[name])
  t.teardown(() => names.forEach((name, i) => {
    const value = before[i]
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }))
  for (const name of names) delete process.env[name]
  t.equal(describePostgres('postgres://ann:sesame@db.example:6543/keys?sslmode=require'), 'db.example:6543/keys')
  t.equal(describePostgres('postgres:///keys?host=/run/postgresql'), '/run/postgresql:5432/keys')
  t.equal(describePostgres(new pg.Pool()), 'localhost:5432/')
  t.equal(describePostgres(new pg.Pool({ connectionString: '/run/postgresql keys', host: '/run/postgresql', database: 'keys' })), '/run/postgresql:5432/keys')
})
