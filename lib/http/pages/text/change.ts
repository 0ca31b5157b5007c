/** What the pages say that edit and rotate a key. */
export const CHANGE_TEXT = {
  'edit.title': 'Edit API key',
  'edit.save': 'Save changes',
  'edit.cancel': 'Cancel',
  'edit.filledIn': 'What you entered before is filled in. It is not saved yet.',
  'edit.notNow': 'Scopes and expiry cannot be changed at the moment. Nothing was saved.',

  'rotate.title': 'Rotate API key',
  'rotate.heading': 'Rotate “{name}”?',
  'rotate.lead': 'The key gets a new secret, which you will see once. Name, scopes, expiry and limits stay.',
  'rotate.legend': 'How long shall the old secret go on working?',
  'rotate.none': 'Not at all: it ends at once',
  'rotate.overlap': 'For {length}',
  'rotate.hint': 'Take the time that you need to put the new secret everywhere.',
  'rotate.still': 'A secret from before still works, and ends {time}. When you rotate again, it ends at once.',
  'rotate.unknown': 'Choose one of these.',
  'rotate.tooLong': 'Choose a shorter time: the key itself expires before.',
  'rotate.confirm': 'Rotate this key',
  'rotate.cancel': 'Cancel',

  'rotated.title': 'The new secret',
  'rotated.lead': 'The key “{name}” has a new secret, which works from now on.',
  'rotated.disabled': 'The key “{name}” has a new secret. It is disabled: requests with it are refused until you enable it.',
  'rotated.forbidden': 'The key “{name}” has a new secret.',
  'rotated.until': 'The old one still works, and ends {time}.',
  'rotated.atOnce': 'The old one does not work any more.'
} as const

/** What the page says that asks before revoking. */
export const REVOKE_TEXT = {
  'revoke.title': 'Revoke API key',
  'revoke.heading': 'Revoke “{name}”?',
  'revoke.warning': 'Programs that use this key are refused from that moment on.',
  'revoke.final': 'This cannot be undone.',
  'revoke.confirm': 'Revoke this key',
  'revoke.cancel': 'Cancel',
  'revoke.doneTitle': 'API key revoked',
  'revoke.doneHeading': 'This key is revoked',
  'revoke.doneText': 'Requests with the key “{name}” are refused. It was revoked at this time:'
} as const
