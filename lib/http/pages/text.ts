/*
 * Every text of the pages. The option `pages.text` replaces any of them, so that an application can translate the pages or
 * say things in its own words. `{name}` stands for what is filled in. A text that depends on `{count}` may have a form for
 * each plural category of its language (`one`, `other`, and where there are `zero`, `two`, `few`, `many`).
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
  /** The language, as a BCP 47 tag: for the attribute `lang`, for plurals and for dates. */
  locale: 'en-GB',

  'page.signedIn': 'Signed in as {name}',
  'page.signedInFor': 'Signed in as {name} for {owner}',
  'page.back': 'API keys',
  'page.backToKeys': 'Back to your keys',
  'page.signIn': 'Sign in',
  'page.admin': 'Administration',
  'page.holder': 'This key belongs to {name}.',
  'page.error': 'Error: {title}',

  'time.never': 'Never',
  'time.now': 'just now',
  'time.soon': 'in less than a minute',
  'time.exact': '{time} UTC',

  'key.unnamed': 'Unnamed key',
  'key.name': 'Name',
  'key.state': 'State',
  'key.active': 'Active',
  'key.disabled': 'Disabled',
  'key.expired': 'Expired',
  'key.revoked': 'Revoked',
  'key.start': 'Begins with',
  'key.created': 'Created',
  'key.lastUsed': 'Last used',
  'key.from': 'From',
  'key.ended': 'Ended',
  'key.expires': 'Expires',
  'key.scopes': 'Scopes',
  'key.addresses': 'Allowed addresses',
  'key.anywhere': 'anywhere',

  'list.title': 'API keys',
  'list.lead': 'Keys let your programs use the API in your name. They are sent in the header {header}.',
  'list.live': 'Active keys',
  'list.revoked': 'Revoked keys',
  'list.ended': 'Revoked and expired keys',
  'list.action': 'Action',
  'list.revoke': 'Revoke',
  'list.revokeNamed': 'Revoke the key {name}',
  'list.none': 'No active keys',
  'list.noneYet': 'Name your first key above and create it. You will see its secret once: copy it into your program.',
  'list.noneAllowed': 'Nothing can use the API in your name.',
  'list.wasRevoked': 'The key “{name}” was revoked. Requests with it are refused from now on.',
  'list.notAccepted': 'Your API keys are not accepted at the moment. Ask the people who run this service why.',

  'form.title': 'New key',
  'form.nameHint': 'What the key is for, such as “backup server”.',
  'form.nameMissing': 'Enter a name, so that you can tell this key from others later.',
  'form.nameLong': { one: 'Use at most {max} characters; this is {count}.', other: 'Use at most {max} characters; these are {count}.' },
  'form.nameWrong': 'Use letters, digits, spaces and punctuation only.',
  'form.create': 'Create key',
  'form.notMade': 'No key was made.',

  'room.unlimited': { one: '{count} active key. You may make as many as you like.', other: '{count} active keys. You may make as many as you like.' },
  'room.used': { one: '{live} of {count} key in use.', other: '{live} of {count} keys in use.' },
  'room.left': { one: 'You may make {count} more.', other: 'You may make {count} more.' },
  'room.forbidden': 'You may not make API keys. Ask the people who run this service if you need one.',
  'room.none': 'You may hold no API keys. Ask the people who run this service if you need one.',
  'room.full': { one: 'You hold the {count} API key that you may have. Revoke it to make another.', other: 'You hold all {count} API keys that you may have. Revoke one to make another.' },
  'room.over': { one: 'You hold {live} API keys and may have {limit}. Revoke {count} to make another.', other: 'You hold {live} API keys and may have {limit}. Revoke {count} to make another.' },

  'created.title': 'Your new API key',
  'created.lead': 'The key “{name}” works from now on.',
  'created.secret': 'Secret',
  'created.copy': 'Copy',
  'created.copyCommand': 'Copy the command',
  'created.copied': 'Copied.',
  'created.notCopied': 'Your browser did not allow copying. Select the text and copy it.',
  'created.byHand': 'Select the whole secret and copy it.',
  'created.once': 'You will not see it again.',
  'created.keep': 'Keep it like a password: where your program can read it and nobody else. It is not stored here and cannot be brought back.',
  'created.try': 'Try it',
  'created.tryLead': 'Send the secret in the header {header}, for instance from a terminal:',
  'created.done': 'I have copied it',

  'revoke.title': 'Revoke API key',
  'revoke.heading': 'Revoke “{name}”?',
  'revoke.warning': 'Programs that use this key are refused from that moment on.',
  'revoke.final': 'This cannot be undone.',
  'revoke.confirm': 'Revoke this key',
  'revoke.cancel': 'Cancel',
  'revoke.doneTitle': 'API key revoked',
  'revoke.doneHeading': 'This key is revoked',
  'revoke.doneText': 'Requests with the key “{name}” are refused. It was revoked at this time:',

  'history.empty': 'Nothing is remembered.',
  'history.you': 'you',
  'history.by': 'by {name}',
  'history.from': 'from {ip}',
  'history.change': '{name}: {before} → {after}',
  'history.value': '{name}: {after}',
  'history.older': 'Older changes',
  'history.apiKeyCreated': 'Created',
  'history.apiKeyUpdated': 'Changed',
  'history.apiKeyRotated': 'Rotated',
  'history.apiKeyRevoked': 'Revoked',
  'history.apiUserCreated': 'Profile made',
  'history.apiUserUpdated': 'Profile changed',
  'history.apiUserDeleted': 'Profile deleted',
  'history.enabled': 'Enabled',
  'history.yes': 'yes',
  'history.no': 'no',
  'history.nothing': 'nothing',
  'history.none': 'no limit',
  'history.default': 'the default',
  'history.total': 'in total',
  'history.previousUntil': 'The old secret works until',
  'history.reason': 'Reason',
  'history.rateMax': 'Rate limit',
  'history.rateWindow': 'Rate limit counts within',
  'history.quotaMax': 'Quota',
  'history.quotaEvery': 'Quota begins anew every',
  'history.group': 'Group',
  'history.maxKeys': 'Keys at most',
  'history.expiryDefault': 'Keys expire after',
  'history.expiryMax': 'Keys expire at the latest after',
  'history.canUseApi': 'Keys are accepted',
  'history.canMakeKeys': 'Keys may be made',

  'message.signIn': 'Sign in to see your API keys',
  'message.signInText': 'You are not signed in. Sign in to the application, then open this page again.',
  'message.sessionEnded': 'Your session has ended',
  'message.sessionEndedText': 'Nothing was changed. Sign in again, then repeat what you did.',
  'message.sessionEndedCreate': 'No key was made. Sign in again, then make it.',
  'message.sentTwice': 'This key was already made',
  'message.sentTwiceText': 'The form was sent twice, and made one key. Its secret was shown the first time and cannot be shown again. If you did not copy it, revoke that key and make another.',
  'message.notFound': 'There is no such key',
  'message.notFoundText': 'None of your API keys has this address.',
  'message.noProfile': 'You have no access to the API',
  'message.noProfileText': 'Ask the people who run this service to give you access, then open this page again.',
  'message.foreign': 'This form came from another site',
  'message.foreignText': 'Nothing was changed. Make and revoke keys on the pages of this site only.',
  'message.unreadable': 'The form could not be read',
  'message.unreadableText': 'Nothing was changed. Go back to your keys and try again.',
  'message.tooLarge': 'The form is too large',
  'message.tooLargeText': 'Nothing was changed. Go back to your keys and try again with less text.',
  'message.noForm': 'The form could not be read',
  'message.noFormText': 'Nothing was changed. This page takes forms only, in the format application/x-www-form-urlencoded.',
  'message.unavailable': 'API keys cannot be reached at the moment',
  'message.unavailableText': 'Try again in a minute. If you were changing something, look at your keys first.',
  'message.refused': 'The request was refused',
  'message.refusedText': 'Go back to your keys and try again.',
  'message.defect': 'Something went wrong',
  'message.defectText': 'This was not your fault. It has been noted for the people who run this service.'
} as const satisfies Readonly<Record<string, string | Plural>>

/** The name of a text. */
export type TextName = keyof typeof TEXT

/** Texts that replace the package's own; what is absent stays as it is. */
export type PageTexts = { readonly [name in TextName]?: string | Plural }
