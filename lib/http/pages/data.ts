import type { TextValues } from './language.js'
import type { TextName } from './text.js'

/*
 * What the templates are given. An application that overrides a template relies on these names: they are described in
 * docs/templates.md and change only with a major version.
 */

/** A point in time, for a `<time>` element. */
export interface TimeView {
  /** ISO 8601, for the attribute `datetime`. */
  readonly iso: string
  /** Short, such as `5 minutes ago` or `3 Nov 2025`. */
  readonly text: string
  /** To the second, in UTC, such as `3 Nov 2025, 14:05:09 UTC`. */
  readonly exact: string
}

/** A key, ready to be shown. */
export interface KeyView {
  readonly id: string
  /** The key's name; `Unnamed key` when the application made it without one. */
  readonly name: string
  /** The secret's first characters. */
  readonly start: string
  readonly state: 'active' | 'disabled' | 'expired' | 'revoked'
  readonly created: TimeView
  /** Null when it was never used. */
  readonly lastUsed: TimeView | null
  /** The address of the current login; null before the first use and after a logout. */
  readonly loggedIp: string | null
  /** When it expires or expired; null for never. */
  readonly expires: TimeView | null
  /** Null while it is not revoked. */
  readonly revoked: TimeView | null
  /** When it was revoked or else expired; null while it is live. */
  readonly ended: TimeView | null
  /** The page that asks before revoking, and to which its form is sent. */
  readonly revokeUrl: string
}

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
  /** A text by its name, with what is filled in. */
  readonly t: (name: TextName, values?: TextValues) => string
  /** The path of the list, such as `/keys`. */
  readonly base: string
  /** Where the way back leads: mostly `base`, and for an administrator from somebody else's key to where that person's keys are. */
  readonly home: string
  /** Whose key this page is about, when an administrator looks at somebody else's; otherwise null. */
  readonly holder: string | null
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

/** How many keys the owner holds and may hold. */
export interface RoomView {
  readonly live: number
  /** Null when unlimited. */
  readonly limit: number | null
  /** How many may still be made; null when unlimited. */
  readonly left: number | null
}

/** The form that makes a key, for `key-form.html`. */
export interface FormView {
  /** Where it is sent. */
  readonly action: string
  /** What was entered. */
  readonly name: string
  /** What is wrong with the name; null when nothing is. */
  readonly error: string | null
  /** Goes along as the field `nonce`, so that sending the form twice makes one key. */
  readonly nonce: string
}

/** One value that a change replaced, in words. */
export interface ChangeView {
  readonly name: string
  /** Null when there was none. */
  readonly before: string | null
  readonly after: string
}

/** One change of a key or a profile, for `history.html`. */
export interface HistoryEntryView {
  readonly at: TimeView
  /** What was done, in words. */
  readonly action: string
  /** Who did it; null when that was not told. */
  readonly by: string | null
  readonly ip: string | null
  /** The key that it is about; null when that is the profile. */
  readonly keyId: string | null
  readonly changes: readonly ChangeView[]
}

/** `list.html`: the keys, and the form for another. */
export interface ListView {
  /** Live keys, newest first; disabled ones too, since they count and can be enabled. */
  readonly keys: readonly KeyView[]
  /** Revoked and expired keys, newest first. */
  readonly revoked: readonly KeyView[]
  readonly room: RoomView
  /** Null when no key may be made; `refusal` then says why. */
  readonly form: FormView | null
  readonly refusal: string | null
}

/** `created.html`: a new key with its secret, which is shown this once. */
export interface CreatedView {
  readonly key: KeyView
  readonly secret: string
  /** A command that uses the key in this application. */
  readonly curl: string
}

/** `revoke.html`: asks before revoking. */
export interface RevokeView {
  readonly key: KeyView
}

/** `message.html`: everything that went otherwise. */
export interface MessageView {
  readonly heading: string
  readonly text: string
  /** Where to go from here; null when there is nowhere. */
  readonly link: { readonly href: string, readonly text: string } | null
}

/** The pages, and what each is given in addition to `PageData`. */
export interface Views {
  readonly list: ListView
  readonly created: CreatedView
  readonly revoke: RevokeView
  readonly message: MessageView
}
