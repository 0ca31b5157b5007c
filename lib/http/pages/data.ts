import type { AdminViews } from './admin/data.js'
import type { CreatedView, EditView, RevokeView, RotateView } from './data/change.js'
import type { KeyPageView } from './data/key.js'
import type { ListView } from './data/list.js'
import type { TextValues } from './language.js'
import type { TextName } from './text.js'

/*
 * What the templates are given. An application that overrides a template relies on these names: they are described in
 * docs/templates.md and change only with a major version. Here is what every page is given, and a message; the rest is in
 * `data/`, and for administrators in `admin/data.ts`.
 */

/** Something to tell above the page's content. */
export interface Notice {
  readonly kind: 'success' | 'warning' | 'error'
  readonly text: string
}

/** The person who looks at the page. */
export interface UserView {
  readonly id: string
  /** The name that `getUser` told, or else the id. */
  readonly name: string
  /** Whose keys these are, when not the person's own; otherwise null. */
  readonly owner: string | null
}

/** What every template is given, the layout too. */
export interface PageData {
  /** Which page this is: the name of its template. */
  readonly page: keyof Views
  /** For the `<title>`. */
  readonly title: string
  /** What the service is called; null for nothing. */
  readonly name: string | null
  /** The language of the page, for the attribute `lang`. */
  readonly locale: string
  /** Where lines of that language begin, for the attribute `dir`. */
  readonly direction: 'ltr' | 'rtl'
  /** A text by its name, with what is filled in. */
  readonly t: (name: TextName, values?: TextValues) => string
  /** The path of the list, such as `/keys`. */
  readonly base: string
  /** Where the way back leads: mostly `base`, and for an administrator to the page above, as from somebody else's key to that person's page. */
  readonly home: string
  /** What that is called, for the link. */
  readonly homeName: string
  /** Whose key this page is about, when an administrator looks at somebody else's; otherwise null. */
  readonly owner: string | null
  /** Whether the person may look after everybody's keys. */
  readonly admin: boolean
  /** The header that carries a key. */
  readonly header: string
  /** The paths of the stylesheet and of the script. They change with the content and may be cached for ever. */
  readonly assets: { readonly style: string, readonly script: string }
  /** Null when nobody is signed in or it failed before that was known. */
  readonly user: UserView | null
  readonly notice: Notice | null
}

/** `message.html`: everything that went otherwise. */
export interface MessageView {
  readonly heading: string
  readonly text: string
  /** Where to go from here; null when there is nowhere. */
  readonly link: { readonly href: string, readonly text: string } | null
}

/** The pages, and what each is given in addition to `PageData`. */
export interface Views extends AdminViews {
  readonly list: ListView
  readonly key: KeyPageView
  readonly edit: EditView
  readonly rotate: RotateView
  readonly created: CreatedView
  readonly revoke: RevokeView
  readonly message: MessageView
}
