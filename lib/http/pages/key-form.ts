import type { ProfileRecord } from '../../keys/records.js'
import type { FormView } from './data.js'
import { createNonce } from './form.js'

/** What a form for a new key is made of. */
export interface FormParts {
  /** Where it is sent. */
  readonly action: string
  /** Whose key it will be. */
  readonly profile: ProfileRecord
  readonly entered: { readonly name: string }
  /** What is wrong with what was entered. */
  readonly errors: { readonly name: string | null }
}

/** Makes what `key-form.html` shows. */
export function toFormView ({ action, entered, errors }: FormParts): FormView {
  return { action, name: entered.name, error: errors.name, nonce: createNonce() }
}
