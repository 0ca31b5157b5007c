import type { WrittenTime } from './time.js'

/** A field for text. */
export interface FieldView {
  /** What was entered. */
  readonly value: string
  /** What is wrong with it; null when nothing is. */
  readonly error: string | null
}

/** One of several choices. */
export interface ChoiceView {
  /** What is sent. */
  readonly value: string
  readonly text: string
  readonly selected: boolean
  /** The day that the text names, if any. */
  readonly day?: WrittenTime
}

/** The choice of an expiry, with a field for a day. */
export interface ExpiryView {
  readonly choices: readonly ChoiceView[]
  /** The day that was entered, such as `2030-01-31`. */
  readonly date: string
  /** The first and the last day that make sense; null for no last one. */
  readonly min: string
  readonly max: string | null
  /** Why there are no later ones; null when there are. */
  readonly hint: string | null
  /** The day that the hint names; null when it names none. */
  readonly hintDay: WrittenTime | null
  readonly error: string | null
}

/** The scopes among which to choose. */
export interface ScopesView {
  /** Each with its description as `text`. */
  readonly choices: readonly ChoiceView[]
  readonly error: string | null
}

/** The fields of a key, for `key-fields.html`. */
export interface FieldsView {
  readonly name: FieldView
  readonly expiry: ExpiryView
  /** Null when the application declares no scopes, or the profile may have none. */
  readonly scopes: ScopesView | null
  /** One address or network on each line. */
  readonly addresses: FieldView
  /** The first field with an error, which gets the focus; null when there is none. */
  readonly focus: 'name' | 'expiry' | 'scopes' | 'addresses' | null
}

/** The form that makes a key, for `key-form.html`. */
export interface FormView extends FieldsView {
  /** Where it is sent. */
  readonly action: string
  /** Goes along as the field `nonce`, so that sending the form twice makes one key. */
  readonly nonce: string
}
