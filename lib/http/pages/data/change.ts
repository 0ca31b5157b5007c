import type { ChoiceView, FieldsView } from './form.js'
import type { KeyView } from './key.js'
import type { TimeView } from './time.js'

/** `edit.html`: the form for changing a key. Sent to `key.url` and `/edit`. */
export interface EditView {
  readonly key: KeyView
  readonly fields: FieldsView
}

/** `rotate.html`: asks how long the old secret shall go on working. Sent to `key.url` and `/rotate`. */
export interface RotateView {
  readonly key: KeyView
  /** For the field `overlap`. */
  readonly overlaps: readonly ChoiceView[]
  readonly error: string | null
  /** Goes along as the field `rotated`, so that sending the form twice rotates once. */
  readonly rotated: string
  /** Until when the secret before the present one works, which a rotation ends at once; null when it does not. */
  readonly previousUntil: TimeView | null
}

/** `created.html`: a new key, or one that was rotated, with its secret, which is shown this once. */
export interface CreatedView {
  readonly key: KeyView
  readonly secret: string
  /** A command that uses the key in this application. */
  readonly curl: string
  /** The scopes that its route asks for and the key does not have. */
  readonly curlMissing: readonly string[]
  /** Whether the key had another secret before. */
  readonly isRotated: boolean
  /** Why no key of its owner is accepted at the moment; null when that is not so. */
  readonly forbidden: string | null
  /** Until when that one works too; null when it does not. */
  readonly previousUntil: TimeView | null
}

/** `revoke.html`: asks before revoking. */
export interface RevokeView {
  readonly key: KeyView
}
