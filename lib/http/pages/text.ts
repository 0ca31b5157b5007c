import { ADMIN_TEXT } from './text/admin.js'
import { ADMIN_USER_TEXT } from './text/admin-user.js'
import { CHANGE_TEXT, REVOKE_TEXT } from './text/change.js'
import { HISTORY_TEXT } from './text/history.js'
import { KEY_TEXT } from './text/key.js'
import { LIST_TEXT } from './text/list.js'
import { MESSAGE_TEXT } from './text/message.js'
import { PAGE_TEXT } from './text/page.js'

/*
 * Every text of the pages. The option `pages.text` replaces any of them, so that an application can translate the pages or
 * say things in its own words. `{name}` stands for what is filled in. A text that depends on `{count}` may have a form for
 * each plural category of its language (`one`, `other`, and where there are `zero`, `two`, `few`, `many`).
 * The files of `text/` have them by the pages that show them.
 *
 * Names are part of what the package promises: they change only with a major version.
 */

/** A text with a form for each plural category, of which `other` must be there. */
export interface Plural {
  readonly zero?: string
  readonly one?: string
  readonly two?: string
  readonly few?: string
  readonly many?: string
  readonly other: string
}

export const TEXT = {
  ...PAGE_TEXT,
  ...KEY_TEXT,
  ...CHANGE_TEXT,
  ...LIST_TEXT,
  ...REVOKE_TEXT,
  ...HISTORY_TEXT,
  ...MESSAGE_TEXT,
  ...ADMIN_TEXT,
  ...ADMIN_USER_TEXT
} as const satisfies Readonly<Record<string, string | Plural>>

/** The name of a text. */
export type TextName = keyof typeof TEXT

/** Texts that replace the package's own; what is absent stays as it is. */
export type PageTexts = { readonly [name in TextName]?: string | Plural }
