import { setImmediate as nextTurn } from 'node:timers/promises'
import { mock } from 'node:test'
import fc from 'fast-check'
import { Access } from '../../lib/keys/access.js'
import { Activity } from '../../lib/keys/activity.js'
import type { DayCount } from '../../lib/store/bookkeeping.js'
import type { Store } from '../../lib/store/store.js'
import { DAY, silentLog } from './app.js'
import { FaultyStore } from './faulty-store.js'
import { accessRow, openTerms } from './rows.js'

/** What happens in a random history, in which a key is used by two objects, as it is in rotation. */
export type Step =
  | { readonly kind: 'use' | 'other' | 'refuse', readonly every: number, readonly from: number }
  | { readonly kind: 'seconds' | 'days' | 'failures', readonly count: number }
  /** The counts are asked for of a database that takes so many turns before and after it has read. */
  | { readonly kind: 'look', readonly turns: number }
  /** What was logged until so many steps ago is recovered by another. */
  | { readonly kind: 'recover', readonly ago: number }
  | { readonly kind: 'flush' }
  /** The answer of the database to the next entry that is applied, or replaced, does not arrive. */
  | { readonly kind: 'lost' }

/** Each step begins when what the one before wrote is written, or in the middle of that. */
export interface Happening {
  readonly step: Step
  readonly isMeanwhile: boolean
}

const some = { every: fc.constantFrom(1, 1, 1, 3), from: fc.nat({ max: 50 }) }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('use', 'other', 'refuse'), ...some }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('seconds'), count: fc.constantFrom(1, 1, 2, 11) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('days'), count: fc.constantFrom(1, 1, -1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('failures'), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('recover'), ago: fc.nat({ max: 4 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('look'), turns: fc.nat({ max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('flush', 'lost') }) }
)

/** Random histories. */
export const happenings: fc.Arbitrary<Happening[]> = fc.array(fc.record({ step, isMeanwhile: fc.boolean() }), { minLength: 5, maxLength: 25 })

/** What a count is told by: its key, day and outcome. */
export function nameOf ({ keyId, day, outcome }: Omit<DayCount, 'count'>): string {
  return `${keyId} ${day} ${outcome}`
}

function add (sums: Map<string, number>, name: string, count: number): void {
  sums.set(name, (sums.get(name) ?? 0) + count)
}

/** What happens to some keys within a hundred days. Keeps what is true, and looks whether that is told. The timers are those of `mock`. */
export class UseHistory {
  /** How many uses and refusals there were, by name. */
  readonly happened = new Map<string, number>()
  /** What was told of too much or too little. */
  readonly wrong: string[] = []
  readonly #store: Store
  readonly #ids: readonly string[]
  readonly #firstDay: number
  readonly #faulty: FaultyStore
  readonly #activity: Activity
  readonly #accesses: readonly Access[][]
  readonly #looks: Promise<void>[] = []
  #now: number

  constructor (store: Store, ids: readonly string[], firstDay: number) {
    this.#store = store
    this.#ids = ids
    this.#firstDay = firstDay
    this.#now = (firstDay + 50) * DAY
    this.#faulty = new FaultyStore(store, 150)
    this.#activity = new Activity(this.#faulty.saves, silentLog, () => this.#now)
    this.#accesses = ids.map((id) => [1, 2].map(() => new Access(accessRow({ id }), openTerms, 0, 0)))
  }

  /** Takes a step, or leaves it to the next verb that does something. Seconds do not pass in the middle of one. */
  async happen ({ step, isMeanwhile }: Happening): Promise<void> {
    if (isMeanwhile && step.kind !== 'seconds') this.#faulty.meanwhile.push(() => this.take(step))
    else await this.take(step)
  }

  /** Takes a step now. */
  async take (step: Step): Promise<void> {
    this.#now += 1
    if (step.kind === 'days') this.#now += step.count * DAY
    else if (step.kind === 'failures') this.#faulty.failures = step.count
    else if (step.kind === 'recover') await this.#store.recoverUses(this.#now - step.ago)
    else if (step.kind === 'lost') this.#faulty.isLost = true
    // It waits for what is written, in the middle of which it may begin.
    else if (step.kind === 'look') this.#looks.push(this.#look(step.turns))
    else if (step.kind === 'flush') this.#activity.flush().catch(() => {})
    else if ('from' in step) for (let i = step.from; i < this.#ids.length; i += step.every) this.#touch(step.kind, i)
    else if (step.kind === 'seconds') for (let i = 0; i < step.count; i++) await second()
  }

  /** Nothing fails any more, and all is stored and told. */
  async settle (): Promise<void> {
    this.#faulty.mend()
    await this.#activity.flush()
    await Promise.all(this.#looks)
  }

  /** What is counted where it is stored. */
  stored (): Promise<DayCount[]> {
    return this.#store.readUsage(this.#ids, this.#firstDay, this.#firstDay + 99)
  }

  /** Ends its timer. */
  async close (): Promise<void> {
    await this.#activity.close()
  }

  #touch (kind: 'use' | 'refuse' | 'other', i: number): void {
    const access = this.#accesses[i]?.[kind === 'other' ? 1 : 0] as Access
    const { keyId } = access.user
    add(this.happened, nameOf({ keyId, day: Math.floor(this.#now / DAY), outcome: kind === 'refuse' ? 'WHY' : 'accepted' }), 1)
    if (kind === 'refuse') this.#activity.refuse(keyId, this.#now, 'WHY')
    else this.#activity.note(access, this.#now, '10.0.0.1')
  }

  async #look (turns: number): Promise<void> {
    const before = new Map(this.happened)
    const read = () => this.#read(turns)
    const days = [this.#firstDay, this.#firstDay + 99] as const
    const told = await this.#activity.counted(this.#ids, ...days, read).then((told) => told && this.#compare(told), () => null)
    if (told !== null) for (const [name, least] of before) if ((told.get(name) ?? 0) < least) this.wrong.push(`${name}: ${told.get(name)}, not ${least}`)
    await this.#activity.countedAtLeast(this.#ids, ...days, read).then((told) => this.#compare(told), () => {})
  }

  async #read (turns: number): Promise<DayCount[]> {
    for (let i = 0; i < turns; i++) await nextTurn()
    const stored = await this.#faulty.readUsage(this.#ids, this.#firstDay, this.#firstDay + 99)
    for (let i = 0; i < turns; i++) await nextTurn()
    return stored
  }

  /** Adds up what was told, of which nothing may be more than what happened. */
  #compare (told: readonly DayCount[]): Map<string, number> {
    const sums = new Map<string, number>()
    for (const count of told) add(sums, nameOf(count), count.count)
    for (const [name, sum] of sums) if (sum > Number(this.happened.get(name))) this.wrong.push(`${name}: ${sum}, not ${this.happened.get(name)}`)
    return sums
  }
}

/** Lets a second pass, and what begins in it happen. */
async function second (): Promise<void> {
  mock.timers.tick(1000)
  for (let i = 0; i < 60; i++) await nextTurn()
}
