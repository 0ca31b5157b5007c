/*
 * The package as built, which is what users run. Imported by a computed name, so that types come from the sources and
 * can be checked before anything is built.
 */

const built = new URL('../dist/', import.meta.url)

/** @type {typeof import('../lib/index.js')} */
const index = await import(new URL('index.js', built).href)

/** @type {typeof import('../lib/keys/secret.js')} */
const secret = await import(new URL('keys/secret.js', built).href)

/** @type {typeof import('../lib/keys/service.js')} */
const service = await import(new URL('keys/service.js', built).href)

/** The plugin. */
export const apiKey = index.default

/* Its own parts, for what cannot be measured from outside. */
export const { digestOf, generateSecret, startOf } = secret
export const { internalsOf } = service
