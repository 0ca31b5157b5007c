import type { AdminViews } from './admin/data.js'
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
  /** Whether the text is a date in UTC, which the script writes anew in the reader's zone. */
  readonly isDate: boolean
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
  /** `expiring` is active and ends within 14 days and within the last fifth of its whole life. */
  readonly state: 'active' | 'expiring' | 'disabled' | 'expired' | 'revoked'
  /** As they were given; what counts is what its profile and group allow of them. */
  readonly scopes: readonly string[]
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
  /** The key's own page. Below it are `/edit`, `/rotate`, `/enable` and `/disable`. */
  readonly url: string
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

/** A field for text. */
export interface FieldView {
  /** What was entered. */
  readonly value: string
  /** What is wrong with it; null when nothing is. */
  readonly error: string | null
}

/** A time that is written within a text, by which the script finds it to write it in the reader's zone. */
export interface WrittenTime {
  /** ISO 8601. */
  readonly iso: string
  /** As it is in the text: a day, or to the second. */
  readonly text: string
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

/** One value that a change replaced, in words. */
export interface ChangeView {
  readonly name: string
  /** Null when there was none. */
  readonly before: string | null
  readonly after: string
  /** The times within both, to the second. */
  readonly times: readonly WrittenTime[]
}

/** One change of a key or a profile, for `history.html`. */
export interface HistoryEntryView {
  readonly at: TimeView
  /** What was done, in words. */
  readonly action: string
  /** Who did it; null when that was not told. */
  readonly by: string | null
  /** From where; null when that was not told, or is not the viewer's to know. */
  readonly ip: string | null
  /** The key that it is about; null when that is the profile. */
  readonly keyId: string | null
  readonly changes: readonly ChangeView[]
}

/** The changes of a key or a profile, for `history.html`. */
export interface HistoryView {
  readonly entries: readonly HistoryEntryView[]
  /** The page with older ones; null when there are none. */
  readonly older: string | null
}

/** A small chart of accepted uses in the last 30 days: a path for an SVG that is 120 wide and 24 high. */
export interface SparkView {
  readonly total: number
  readonly path: string
  /** What the chart shows, in words. */
  readonly title: string
}

/** One day of a chart. */
export interface ChartDayView {
  /** Such as `2030-01-31`, in UTC. */
  readonly day: string
  readonly text: string
  /** Where its part of the chart begins; it is 10 wide. */
  readonly x: number
  readonly accepted: number
  readonly refused: number
  /** All of it, in words. */
  readonly title: string
}

/** The chart of the last 30 days: paths for an SVG that is 300 wide and 100 high, and the same as figures. */
export interface ChartView {
  readonly title: string
  readonly accepted: number
  readonly refused: number
  readonly acceptedPath: string
  readonly refusedPath: string
  /** The scale, from the top to 0. */
  readonly ticks: readonly string[]
  /** The first and the last day. */
  readonly ends: readonly string[]
  readonly days: readonly ChartDayView[]
  /** Why requests were refused, the most frequent reason first. */
  readonly reasons: readonly { readonly text: string, readonly count: number }[]
}

/** What limits a key. */
export interface LimitsView {
  /** Null for no limit. */
  readonly rate: RateView | null
  /** Null for no quota. */
  readonly quota: QuotaView | null
}

/** How many requests a key has in each window of time, and has left of them. */
export interface RateView {
  readonly max: number
  /** The length of a window, in words. */
  readonly window: string
  /** How many are left in the present window; null when that cannot be told. */
  readonly left: number | null
  /** When the present window is over; null when no request has begun one, or when that cannot be told. */
  readonly resets: TimeView | null
  /** What is used, of 100; null when that cannot be told. */
  readonly width: number | null
}

/** How many uses a key has, and has left. */
export interface QuotaView {
  readonly max: number
  readonly used: number
  readonly left: number
  /** The length of a period, in words; null when it is for good. */
  readonly every: string | null
  /** When the next period begins; null when there is none, or when no use has begun the first. */
  readonly resets: TimeView | null
  /** What is used, of 100. */
  readonly width: number
}

/** A key in the list. */
export interface ListKeyView extends KeyView {
  readonly use: SparkView
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

/** A scope that a key was given. */
export interface ScopeView {
  readonly name: string
  /** Its description; null when the application declares no such scope. */
  readonly text: string | null
  /** False when the profile does not allow it, so that the key cannot use it. */
  readonly counts: boolean
}

/** `key.html`: one key. */
export interface KeyPageView {
  readonly key: KeyView
  /** Whether it can be changed: it is neither revoked nor expired. */
  readonly isLive: boolean
  readonly scopes: readonly ScopeView[]
  /** Where it may be used from; null for anywhere. */
  readonly addresses: readonly string[] | null
  /** When it got its present secret; null when that is its first. */
  readonly rotated: TimeView | null
  /** Until when the secret before works too; null when it does not, as while the key is disabled or its owner may not use the API. */
  readonly previousUntil: TimeView | null
  /** When that was last used since the rotation; null for not at all. */
  readonly previousUsed: TimeView | null
  /** Why it was revoked; null when that was not told. */
  readonly reason: string | null
  readonly chart: ChartView
  readonly limits: LimitsView
  readonly history: HistoryView
}

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
