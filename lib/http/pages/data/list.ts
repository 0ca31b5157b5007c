import type { SparkView } from './chart.js'
import type { FormView } from './form.js'
import type { KeyView } from './key.js'

/** A key in the list. */
export interface ListKeyView extends KeyView {
  readonly use: SparkView
}

/** How many keys the owner holds and may hold. */
export interface RoomView {
  readonly live: number
  /** Null when unlimited. */
  readonly limit: number | null
  /** How many may still be made; null when unlimited. */
  readonly left: number | null
}

/** A link to one part of the keys. */
export interface TabView {
  readonly href: string
  readonly text: string
  readonly count: number
  readonly isCurrent: boolean
}

/** What the list is searched for. */
export interface SearchView {
  /** Empty for nothing. */
  readonly text: string
  /** The list without a search. */
  readonly all: string
}

/** `list.html`: the keys, and the form for another. */
export interface ListView {
  /** One page, newest first: the live keys, disabled ones among them, or those that have ended. */
  readonly keys: readonly ListKeyView[]
  /** Whether these are revoked and expired keys. */
  readonly ended: boolean
  readonly tabs: readonly TabView[]
  /** Null where there is too little to search. */
  readonly search: SearchView | null
  /** The first page and the next one; null when this is the first, and when it is the last. */
  readonly newest: string | null
  readonly older: string | null
  readonly room: RoomView
  /**
   * Null on further pages, and when no key may be made; but where something was entered and could not be taken, it is there with
   * that.
   */
  readonly form: FormView | null
  /** Why no key may be made; null when one may, and on further pages. */
  readonly refusal: string | null
}
