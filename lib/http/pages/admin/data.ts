import type { ChoiceView, FormView } from '../data/form.js'
import type { HistoryEntryView } from '../data/history.js'
import type { KeyView } from '../data/key.js'
import type { ListKeyView } from '../data/list.js'
import type { TimeView } from '../data/time.js'

/*
 * What the templates of the pages for administrators are given. As with the others, an application that overrides one
 * relies on these names.
 */

/** The box for a key that was found somewhere. */
export interface BoxView {
  /** Where the form is sent. */
  readonly action: string
  /** What is wrong with what was entered, which is never repeated; null when nothing is. */
  readonly error: string | null
}

/** A profile in the list of all. */
export interface ProfileView {
  readonly userId: string
  /** The page about the user. */
  readonly url: string
  /** Null for none. One that is not declared any more refuses the user's keys. */
  readonly group: { readonly name: string, readonly isDeclared: boolean } | null
  readonly live: number
  /** Live keys it may hold; null when unlimited. */
  readonly limit: number | null
  readonly canUseApi: boolean
  readonly canMakeKeys: boolean
  readonly lastAccess: TimeView | null
  readonly created: TimeView
}

/** Where the other pages of a list are; null where there is none. */
export interface PagingView {
  readonly first: string | null
  readonly next: string | null
}

/** `admin.html`: the box for a found key, and everybody's profiles. */
export interface AdminView {
  readonly box: BoxView
  readonly search: { readonly action: string, readonly text: string }
  readonly profiles: readonly ProfileView[]
  readonly paging: PagingView
  /** The form that opens a user, also one who has no profile. */
  readonly open: { readonly action: string, readonly value: string, readonly error: string | null }
}

/** `admin-found.html`: whose key a secret is. */
export interface FoundView {
  readonly box: BoxView
  /** Null when no key has this secret. */
  readonly found: FoundKeyView | null
  /** Whether the text has the form of a key. */
  readonly isWellFormed: boolean
}

export interface FoundKeyView {
  readonly key: KeyView
  readonly userId: string
  readonly userUrl: string
  /** Whether requests with this secret are accepted, as far as the key and its user's profile say. */
  readonly isAccepted: boolean
  /** Whether the user's keys are refused whatever their state. */
  readonly isForbidden: boolean
  /** Null when the secret is the present one, and not one that was replaced. */
  readonly replaced: ReplacedView | null
}

/** That a secret was replaced by a new one. */
export interface ReplacedView {
  /** Whether the time is over in which both work. */
  readonly isOver: boolean
  /** When that ends or ended; null where the new one is refused too, because of the key's state or its user's profile. */
  readonly until: TimeView | null
}

/** What holds for a user's keys, wherever that is said. */
export interface StandingView {
  /** False when the profile's group is not declared any more, which refuses all. */
  readonly isGroupDeclared: boolean
  /** Null for all. */
  readonly scopes: readonly string[] | null
  /** How long keys live, in words; null for without end. */
  readonly expiryDefault: string | null
  readonly expiryMax: string | null
  /** Requests of each key in each window, in words; null for no limit. */
  readonly rateLimit: { readonly max: number, readonly window: string } | null
  /** Uses of each key, in total where the window is null; null for no quota. */
  readonly quota: { readonly max: number, readonly window: string | null } | null
  readonly lastAccess: TimeView | null
  readonly created: TimeView
}

/** A page of a user's keys, of which either the live ones are shown or those that are not. */
export interface UserKeysView {
  readonly shown: 'live' | 'ended'
  readonly live: number
  readonly ended: number
  readonly liveUrl: string
  readonly endedUrl: string
  readonly rows: readonly ListKeyView[]
  readonly paging: PagingView
}

/** `admin-user.html`: one user's profile, keys and history. */
export interface AdminUserView {
  readonly userId: string
  /** Null when the user has no profile; then the other two are null too. */
  readonly profile: ProfileFormView | null
  readonly standing: StandingView | null
  /** Null when no key may be made, unless something was entered; `refusal` then says why. */
  readonly form: FormView | null
  readonly refusal: string | null
  /** Where the form is sent that changes the profile, or makes one. */
  readonly action: string
  /** The page that asks before revoking all keys; null when none is live. */
  readonly revokeAllUrl: string | null
  readonly keys: UserKeysView
  readonly history: { readonly entries: readonly UserHistoryEntryView[], readonly older: string | null }
}

/** A change of a user's profile or of one of the keys. */
export interface UserHistoryEntryView extends HistoryEntryView {
  /** The key that it is about, with its page; null when that is the profile. */
  readonly key: { readonly name: string, readonly url: string } | null
}

/** `admin-revoke-all.html`: asks before revoking all keys of a user. */
export interface RevokeAllView {
  readonly userId: string
  readonly live: number
  readonly action: string
  readonly reason: string
  /** What is wrong with the reason; null when nothing is. */
  readonly error: string | null
}

/** The pages for administrators, and what each is given in addition to `PageData`. */
export interface AdminViews {
  readonly admin: AdminView
  readonly 'admin-found': FoundView
  readonly 'admin-user': AdminUserView
  readonly 'admin-revoke-all': RevokeAllView
}

/** A field of the form with which a profile is changed. */
export interface ProfileFieldView {
  readonly value: string
  /** What it was when the form was made: sent along, so that only what was changed is saved. */
  readonly was: string
  /** What is wrong with it; null when nothing is. */
  readonly error: string | null
}

/** A field with choices. */
export interface ProfileSelectView extends ProfileFieldView {
  readonly options: readonly { readonly value: string, readonly text: string }[]
}

/** The field for scopes: a text, or where the application declares some, boxes to tick. */
export interface ProfileScopesView extends ProfileFieldView {
  /** Each with its description as `text`; null when none are declared. `value` has those that are chosen, with a blank between two. */
  readonly choices: readonly ChoiceView[] | null
}

/**
 * The form with which a profile is changed. What is chosen is `inherit` for what the group or the application says; for `own`
 * (`every` and `total` of a quota), what it is to be is entered in the fields beside.
 */
export interface ProfileFormView {
  readonly group: ProfileSelectView
  /** `inherit`, `unlimited` or `own`. */
  readonly limit: ProfileSelectView
  /** The number for `own`. */
  readonly maxKeys: ProfileFieldView
  /** `inherit`, `yes` or `no`. */
  readonly canUseApi: ProfileSelectView
  readonly canMakeKeys: ProfileSelectView
  /** Which scopes keys may have: `inherit`, `none` or `own`. */
  readonly allowed: ProfileSelectView
  readonly allowedScopes: ProfileScopesView
  /** How long keys live when they say nothing themselves, and at most: `inherit`, `none` for without end, or `own`. */
  readonly expiryDefault: ProfileSelectView
  /** A length of time, such as `90d`. */
  readonly defaultLife: ProfileFieldView
  readonly expiryMax: ProfileSelectView
  readonly maxLife: ProfileFieldView
  /** `inherit`, `none` or `own`. */
  readonly rateLimit: ProfileSelectView
  /** Requests, and the length of time within which they are counted. */
  readonly rateMax: ProfileFieldView
  readonly rateWindow: ProfileFieldView
  /** `inherit`, `none`, `every` or `total`. */
  readonly quota: ProfileSelectView
  /** Uses, and for `every` the length of a period. */
  readonly quotaMax: ProfileFieldView
  readonly quotaEvery: ProfileFieldView
}
