import { MAX_MAX_KEYS } from '../../../keys/profile-arguments.js'
import { MAX_SCOPES } from '../../../keys/scopes.js'
import { MAX_MAX } from '../../../limits.js'
import type { TextName } from '../text.js'

/*
 * What can be chosen on the form with which a profile is changed: as the group or the application says, a fixed value, or
 * one of its own, which is entered in parts. What is allowed is decided by the checks of the service alone; here is only
 * under which argument it goes there, and how it is told.
 */

/** The fields in which a value is entered. */
export type PartName = 'maxKeys' | 'allowedScopes' | 'defaultLife' | 'maxLife' | 'rateMax' | 'rateWindow' | 'quotaMax' | 'quotaEvery'

/** The fields in which one of several is chosen. */
export type ChoiceName = 'limit' | 'allowed' | 'expiryDefault' | 'expiryMax' | 'rateLimit' | 'quota' | 'canUseApi' | 'canMakeKeys'

export type FieldName = 'group' | ChoiceName | PartName

interface Part {
  /** Where it goes in what `profiles.update` takes. */
  readonly argument: string
  /** Makes of a text what is checked. */
  readonly read: (text: string) => unknown
  readonly label: TextName
  readonly missing: TextName
  readonly wrong: TextName
  /** Filled into the text of what is wrong. */
  readonly max?: number
}

export interface Choice {
  readonly value: string
  /** Null for what depends on what holds otherwise. */
  readonly text: TextName | null
  /** What is stored when it is chosen, or else the parts of which that is made. */
  readonly gives?: unknown
  readonly parts?: readonly PartName[]
}

/** A choice with what belongs to it, which is changed as a whole. */
export interface Unit {
  readonly name: ChoiceName
  readonly argument: string
  readonly choices: readonly Choice[]
}

/** Only digits: of other text, Number makes numbers that nobody meant. */
const toNumber = (text: string) => /^\d+$/.test(text) ? Number(text) : NaN

export const PARTS: Readonly<Record<PartName, Part>> = {
  maxKeys: { argument: 'maxKeys', read: toNumber, label: 'admin.number', missing: 'admin.limitMissing', wrong: 'admin.limitWrong', max: MAX_MAX_KEYS },
  allowedScopes: { argument: 'scopes', read: (text) => text.split(' '), label: 'admin.allowedScopes', missing: 'admin.scopesMissing', wrong: 'admin.scopesWrong', max: MAX_SCOPES },
  defaultLife: { argument: 'expiry.default', read: String, label: 'admin.life', missing: 'admin.lifeMissing', wrong: 'admin.lifeWrong' },
  maxLife: { argument: 'expiry.max', read: String, label: 'admin.longestLife', missing: 'admin.lifeMissing', wrong: 'admin.lifeWrong' },
  rateMax: { argument: 'rateLimit.max', read: toNumber, label: 'admin.rateMax', missing: 'admin.rateMaxMissing', wrong: 'admin.countWrong', max: MAX_MAX },
  rateWindow: { argument: 'rateLimit.timeWindow', read: String, label: 'admin.rateWindow', missing: 'admin.rateWindowMissing', wrong: 'admin.rateWindowWrong' },
  quotaMax: { argument: 'quota.max', read: toNumber, label: 'admin.quotaMax', missing: 'admin.quotaMaxMissing', wrong: 'admin.countWrong', max: MAX_MAX },
  quotaEvery: { argument: 'quota.every', read: String, label: 'admin.quotaPeriod', missing: 'admin.quotaPeriodMissing', wrong: 'admin.quotaPeriodWrong' }
}

const INHERIT: Choice = { value: 'inherit', text: null, gives: null }
const YES_OR_NO: readonly Choice[] = [INHERIT, { value: 'yes', text: 'admin.yes', gives: true }, { value: 'no', text: 'admin.no', gives: false }]
const WITHOUT_END: Choice = { value: 'none', text: 'admin.never', gives: false }
const UNLIMITED: Choice = { value: 'none', text: 'admin.noRate', gives: false }

export const UNITS: readonly Unit[] = [
  { name: 'canUseApi', argument: 'canUseApi', choices: YES_OR_NO },
  { name: 'canMakeKeys', argument: 'canMakeKeys', choices: YES_OR_NO },
  {
    name: 'limit',
    argument: 'maxKeys',
    choices: [INHERIT, { value: 'unlimited', text: 'admin.unlimited', gives: -1 }, { value: 'own', text: 'admin.ownLimit', parts: ['maxKeys'] }]
  },
  {
    name: 'allowed',
    argument: 'scopes',
    choices: [INHERIT, { value: 'none', text: 'admin.noScopes', gives: [] }, { value: 'own', text: 'admin.ownScopes', parts: ['allowedScopes'] }]
  },
  { name: 'expiryDefault', argument: 'expiry.default', choices: [INHERIT, WITHOUT_END, { value: 'own', text: 'admin.ownLife', parts: ['defaultLife'] }] },
  { name: 'expiryMax', argument: 'expiry.max', choices: [INHERIT, WITHOUT_END, { value: 'own', text: 'admin.ownLife', parts: ['maxLife'] }] },
  { name: 'rateLimit', argument: 'rateLimit', choices: [INHERIT, UNLIMITED, { value: 'own', text: 'admin.ownRate', parts: ['rateMax', 'rateWindow'] }] },
  {
    name: 'quota',
    argument: 'quota',
    choices: [
      INHERIT, UNLIMITED,
      { value: 'every', text: 'admin.ownQuotaEvery', parts: ['quotaMax', 'quotaEvery'] },
      { value: 'total', text: 'admin.ownQuotaTotal', parts: ['quotaMax'] }
    ]
  }
]

/** The fields of a unit, the choice first. */
export function fieldsOf ({ name, choices }: Unit): readonly FieldName[] {
  return [...new Set<FieldName>([name, ...choices.flatMap(({ parts = [] }) => parts)])]
}
