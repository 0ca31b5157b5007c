import { channel, type Channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { ProfileRecord } from './profile-records.js'
import type { ApiUser, KeyRecord } from './records.js'

/** Who made a change, as far as the application tells. */
export interface By {
  /** Who acts, by id. The pages always say it; so does the JSON API, of a program as `key:` and the id of its key. */
  actor?: string
  /** The address they act from. */
  ip?: string
}

interface Change {
  /** As given by the caller; null when not given. */
  readonly actor: string | null
  readonly ip: string | null
  readonly at: Date
}

/** A user got a profile. */
export interface ApiUserCreated extends Change {
  readonly profile: ProfileRecord
}

/** A profile was changed. */
export interface ApiUserUpdated extends Change {
  readonly profile: ProfileRecord
}

/** A profile was deleted; its keys were revoked before, each with its own event. */
export interface ApiUserDeleted extends Change {
  readonly profile: ProfileRecord
}

/** A key was made. */
export interface ApiKeyCreated extends Change {
  readonly key: KeyRecord
}

/** A key was revoked, by itself or with its profile. */
export interface ApiKeyRevoked extends Change {
  readonly key: KeyRecord
}

/** A key was changed: its name, scopes, expiry, networks, rate limit, quota or metadata, or it was switched on or off. */
export interface ApiKeyUpdated extends Change {
  readonly key: KeyRecord
}

/** A key got a new secret. */
export interface ApiKeyRotated extends Change {
  readonly key: KeyRecord
}

/** A request with a good key was accepted. Emitted for each one. */
export interface ApiUserLoggedIn {
  readonly user: ApiUser
  /** The caller's address; null when `verify` was called without one. */
  readonly ip: string | null
  readonly at: Date
  /** Whether this begins a login: the first use, from another address than before, or the first after a logout. */
  readonly isNew: boolean
}

/** A key's login was ended. */
export interface ApiUserLoggedOut extends Change {
  readonly key: KeyRecord
}

/** The events of `fastify.apiKeys` and what their listeners are given. No payload carries a secret or a digest. */
export interface ApiKeyEvents {
  apiUserCreated: [ApiUserCreated]
  apiUserUpdated: [ApiUserUpdated]
  apiUserDeleted: [ApiUserDeleted]
  apiKeyCreated: [ApiKeyCreated]
  apiKeyUpdated: [ApiKeyUpdated]
  apiKeyRotated: [ApiKeyRotated]
  apiKeyRevoked: [ApiKeyRevoked]
  apiUserLoggedIn: [ApiUserLoggedIn]
  apiUserLoggedOut: [ApiUserLoggedOut]
}

/** Fills in what the caller did not say about a change. */
export function changeBy (by: By, at: number): Change {
  return { actor: by.actor ?? null, ip: by.ip ?? null, at: new Date(at) }
}

/** The events that are also published for whoever observes the process without a hand on the service. */
const channels: Readonly<Record<keyof ApiKeyEvents, Channel>> = {
  apiUserCreated: channel('fastify-apikey.apiUserCreated'),
  apiUserUpdated: channel('fastify-apikey.apiUserUpdated'),
  apiUserDeleted: channel('fastify-apikey.apiUserDeleted'),
  apiKeyCreated: channel('fastify-apikey.apiKeyCreated'),
  apiKeyUpdated: channel('fastify-apikey.apiKeyUpdated'),
  apiKeyRotated: channel('fastify-apikey.apiKeyRotated'),
  apiKeyRevoked: channel('fastify-apikey.apiKeyRevoked'),
  apiUserLoggedIn: channel('fastify-apikey.apiUserLoggedIn'),
  apiUserLoggedOut: channel('fastify-apikey.apiUserLoggedOut')
}

/** Whether anybody listens, so that a payload need not be made for nobody. */
export function isHeard (emitter: EventEmitter<ApiKeyEvents>, event: keyof ApiKeyEvents): boolean {
  return channels[event].hasSubscribers || emitter.listenerCount(event) > 0
}

/** What a listener's failure is reported to. */
export type ReportListener = (error: unknown, event: string) => void

/**
 * Emits an event such that a listener that throws or rejects is reported and harms neither the other listeners nor
 * whoever emits. `EventEmitter.emit` would stop at the first that throws, and a rejection would end the process. Publishes
 * it on the channel of the same name too.
 */
export function announce<E extends keyof ApiKeyEvents> (
  emitter: EventEmitter<ApiKeyEvents>, report: ReportListener, event: E, payload: ApiKeyEvents[E][0]
): void {
  for (const listener of emitter.rawListeners(event)) {
    try {
      const result: unknown = Reflect.apply(listener, emitter, [payload])
      if (result instanceof Promise) result.catch((error: unknown) => report(error, event))
    } catch (error) {
      report(error, event)
    }
  }
  if (channels[event].hasSubscribers) channels[event].publish(payload)
}
