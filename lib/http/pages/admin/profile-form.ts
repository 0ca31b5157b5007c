import { usualLife } from '../../../keys/expiry.js'
import type { ProfileRecord } from '../../../keys/profile-records.js'
import type { Internals } from '../../../keys/internals.js'
import type { Resolved } from '../../../keys/terms.js'
import type { Language } from '../language.js'
import type { ProfileFieldView, ProfileFormView, ProfileSelectView } from './data.js'
import type { ProfileErrors } from './profile-changes.js'
import type { Declared, EnteredProfile } from './profile-entered.js'
import { UNITS, type Choice, type ChoiceName, type FieldName } from './profile-units.js'

/** Scopes that are named where there is little room. */
const NAMED = 3

/** What a form is made of. */
export interface ProfileFormParts {
  readonly entered: EnteredProfile
  readonly errors: ProfileErrors
  readonly profile: ProfileRecord
  readonly internals: Pick<Internals, 'groups' | 'inherited' | 'countsRates'>
  readonly declared: Declared
}

/** Makes what the form shows. */
export function toProfileForm ({ entered, errors, profile, internals, declared }: ProfileFormParts, language: Language): ProfileFormView {
  const { say } = language
  const inherited = internals.inherited(profile.group)
  const field = (name: FieldName): ProfileFieldView => ({ ...entered[name], error: errors[name] ?? null })
  const inherit = (name: ChoiceName) => say(profile.group === null ? 'admin.asForAll' : 'admin.asGroup', { value: INHERITED[name](inherited, language, declared) })
  const choice = (name: ChoiceName): ProfileSelectView => ({
    ...field(name),
    options: choicesOf(name, entered, internals).map(({ value, text }) => ({ value, text: text === null ? inherit(name) : say(text) }))
  })
  const scopes = entered.allowedScopes.value.split(' ')
  return {
    group: { ...field('group'), options: [{ value: '', text: say('admin.noGroup') }, ...toGroupOptions(internals.groups(), profile.group, language)] },
    limit: choice('limit'),
    maxKeys: field('maxKeys'),
    canUseApi: choice('canUseApi'),
    canMakeKeys: choice('canMakeKeys'),
    allowed: choice('allowed'),
    allowedScopes: {
      ...field('allowedScopes'),
      choices: declared === null ? null : [...declared].map(([value, text]) => ({ value, text, selected: scopes.includes(value) }))
    },
    expiryDefault: choice('expiryDefault'),
    defaultLife: field('defaultLife'),
    expiryMax: choice('expiryMax'),
    maxLife: field('maxLife'),
    rateLimit: choice('rateLimit'),
    rateMax: field('rateMax'),
    rateWindow: field('rateWindow'),
    quota: choice('quota'),
    quotaMax: field('quotaMax'),
    quotaEvery: field('quotaEvery')
  }
}

/** The choices of a unit. Where nothing counts rate limits there is no own one, unless it was there already. */
function choicesOf (name: ChoiceName, entered: EnteredProfile, internals: Pick<Internals, 'countsRates'>): readonly Choice[] {
  const choices = UNITS.filter((unit) => unit.name === name).flatMap(({ choices }) => choices)
  return name !== 'rateLimit' || entered.rateLimit.was === 'own' || internals.countsRates() ? choices : choices.filter(({ value }) => value !== 'own')
}

/** A group that is not declared any more stays to be seen, and can be left. */
function toGroupOptions (groups: readonly string[], own: string | null, { say }: Language): ProfileSelectView['options'] {
  const declared = groups.map((name) => ({ value: name, text: name }))
  return own === null || groups.includes(own) ? declared : [...declared, { value: own, text: say('admin.undeclaredGroup', { name: own }) }]
}

/** What holds where the profile says nothing itself, in words. */
const INHERITED: Readonly<Record<ChoiceName, (inherited: Resolved, language: Language, declared: Declared) => string>> = {
  limit: ({ maxKeys }, { say, count }) => maxKeys === -1 ? say('admin.unlimited') : count(maxKeys),
  canUseApi: ({ canUseApi }, { say }) => say(canUseApi ? 'admin.yes' : 'admin.no'),
  canMakeKeys: ({ canMakeKeys }, { say }) => say(canMakeKeys ? 'admin.yes' : 'admin.no'),
  allowed: ({ scopes }, { say }, declared) => {
    if (scopes === null || scopes.length === declared?.size) return say('admin.allScopes')
    if (scopes.length === 0) return say('admin.noScopes')
    const named = scopes.slice(0, NAMED).join(', ')
    return scopes.length > NAMED ? say('list.moreScopes', { scopes: named, count: scopes.length - NAMED }) : named
  },
  expiryDefault: ({ expiryDefault, expiryMax }, language) => tellLife(usualLife(expiryDefault, expiryMax), language),
  expiryMax: ({ expiryMax }, language) => tellLife(expiryMax, language),
  rateLimit: ({ rate }, { say, duration }) => rate === null ? say('admin.noRate') : say('admin.rate', { count: rate.max, window: duration(rate.timeWindow) }),
  quota: ({ quota }, { say, duration }) => {
    if (quota === null) return say('admin.noRate')
    return quota.every === null ? say('admin.quotaTotal', { count: quota.max }) : say('admin.quotaEvery', { count: quota.max, window: duration(quota.every) })
  }
}

function tellLife (milliseconds: number | null, { say, duration }: Language): string {
  return milliseconds === null ? say('admin.never') : duration(milliseconds)
}
