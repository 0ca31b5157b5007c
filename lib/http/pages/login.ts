import { withQuery } from './urls.js'

/**
 * Makes the address of the application's sign-in page, with the page to come back to.
 *
 * @param loginUrl the option `pages.loginUrl`, which may have a query and a fragment of its own
 * @param next a path on this server, with its query
 */
export function toLoginUrl (loginUrl: string, next: string): string {
  const end = loginUrl.includes('#') ? loginUrl.indexOf('#') : loginUrl.length
  const address = loginUrl.slice(0, end)
  return withQuery(address, { next }) + loginUrl.slice(end)
}

/**
 * A path such that it can only lead back here: `//host/path`, which a server that ignores repeated slashes or takes an
 * empty parameter has a route for, is another host to a browser.
 */
export function toLocalPath (url: string): string {
  return url.replace(/^[/\\]*/, '/')
}
