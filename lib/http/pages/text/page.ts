/** What every page says: in what language it is, what is around its content, and times. */
export const PAGE_TEXT = {
  /** The language, as a BCP 47 tag: for the attribute `lang`, for plurals and for dates. */
  locale: 'en-GB',

  'page.signedIn': 'Signed in as {name}',
  'page.signedInFor': 'Signed in as {name} for {owner}',
  'page.back': 'API keys',
  'page.backToKeys': 'Back to your keys',
  'page.backToKey': 'Back to the key',
  'page.signIn': 'Sign in',
  'page.openAgain': 'Open the page again',
  'page.admin': 'Administration',
  'page.owner': 'This key belongs to {name}.',
  'page.error': 'Error: {title}',

  'time.never': 'Never',
  'time.now': 'just now',
  'time.soon': 'in less than a minute',
  'time.exact': '{time} UTC'
} as const
