import type { Test } from 'tap'
import { digestOf } from '../../lib/keys/secret.js'
import { ApiKeys } from '../../lib/keys/service.js'
import { resolveOptions } from '../../lib/options.js'
import type { KeyDraft, KeyRow, ProfileRow } from '../../lib/store/rows.js'
import type { Inserted, InsertRefusal, Store, Use } from '../../lib/store/store.js'
import { silentLog, T0 } from './app.js'
import { rules } from './rows.js'

/*
 * What tests of a store share, whatever its engine.
 */

/** Opens one more store on the database of the running test, and sees to its closing. */
export type Connect = () => Promise<Store>

/** Prepares an empty database for one test, which it also clears away. */
export type PrepareDatabase = (t: Test) => Promise<Connect>

/** Runs a test with a store on a database of its own, on which it can open more. */
export type StoreTest = (title: string, run: (t: Test, store: Store, connect: Connect) => Promise<void>) => void

/** The limit of a profile that may hold any number of keys. */
export const UNLIMITED = -1

/** The id of the test's n-th key, in the order of n as real ids are in the order of time. */
export function keyId (n: number): string {
  return `0198abcd-0000-7000-8000-${String(n).padStart(12, '0')}`
}

/** The digest of the test's n-th key. */
export function digest (n: number): string {
  return digestOf(`secret ${n}`)
}

/** The n-th key, to be inserted for a user. */
export function draft (userId: string, n: number, fields: Partial<KeyDraft> = {}): KeyDraft {
  return { id: keyId(n), userId, name: '', start: 'ak_0000', digest: digest(n), nonce: null, createdAt: T0, makeProfile: true, ...fields }
}

/** Inserts keys, which must be possible. */
export async function insert (store: Store, drafts: readonly KeyDraft[], maxKeys = UNLIMITED): Promise<Inserted> {
  const result: Inserted | InsertRefusal = await store.insertKeys(drafts, T0, rules(maxKeys))
  if (result.refused !== null) throw new Error(`refused: ${result.refused}`)
  return result
}

/** Makes a key of Ann's as a service does, and gives its id. */
export async function makeKey (store: Store): Promise<string> {
  const service = new ApiKeys(store, resolveOptions({}), silentLog)
  return (await service.create('ann')).id
}

/** The first of the profiles that were made. */
export function profileOf (profiles: readonly ProfileRow[]): ProfileRow {
  const [profile] = profiles
  if (profile === undefined) throw new Error('no profile was made')
  return profile
}

/** A use of a key, to be stored. */
export function use (key: KeyRow | undefined, at: number, ip: string | null, previousAt: number | null = null): Use {
  if (key === undefined) throw new Error('no such key')
  return { keyId: key.id, at, ip, previousAt }
}

/** Revokes a key unless it is, and tells whether it was not. */
export async function revoke (store: Store, id: string, at: number): Promise<{ row: KeyRow, changed: boolean } | null> {
  const result = await store.changeKey(id, (key) => key.revokedAt === null ? { revokedAt: at } : {})
  if (result !== null && 'error' in result) throw result.error
  return result
}

/** What is counted of keys, by their numbers, as texts in order. */
export async function counted (store: Store, ...numbers: number[]): Promise<string[]> {
  const rows = await Promise.all(numbers.map(async (n) => (await store.readUsage([keyId(n)], 0, 30_000)).map((row) => `${n} ${row.day} ${row.outcome} ${row.count}`)))
  return rows.flat()
}
