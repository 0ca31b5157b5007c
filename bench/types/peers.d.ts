/*
 * The little that the benchmark uses of packages that only bench/package.json knows, so that types are checked whether
 * they are installed or not.
 */
declare module '@fastify/bearer-auth' {
  import type { FastifyPluginCallback } from 'fastify'
  const plugin: FastifyPluginCallback<{ keys: Set<string> }>
  export default plugin
}

declare module '@fastify/jwt' {
  import type { FastifyPluginCallback } from 'fastify'
  const plugin: FastifyPluginCallback<{ secret: string }>
  export default plugin
}

declare module 'better-auth' {
  import type { Database } from 'better-sqlite3'

  interface Auth {
    readonly $context: Promise<{
      internalAdapter: { createUser (user: { name: string, email: string }): Promise<{ id: string }> }
    }>
    readonly api: {
      createApiKey (call: { body: { userId: string } }): Promise<{ key: string }>
      verifyApiKey (call: { body: { key: string } }): Promise<{ valid: boolean }>
    }
  }
  interface AuthOptions {
    database: Database
    secret: string
    baseURL: string
    plugins: object[]
    telemetry: { enabled: boolean }
  }
  export function betterAuth (options: AuthOptions): Auth
}

declare module 'better-auth/db/migration' {
  export function getMigrations (options: object): Promise<{ runMigrations (): Promise<void> }>
}

declare module '@better-auth/api-key' {
  export function apiKey (options: { rateLimit: { enabled: boolean, timeWindow?: number, maxRequests?: number } }): object
}

declare module 'autocannon' {
  interface Client {
    setRequests (requests: Array<{ method: string, path: string, headers: Record<string, string> }>): void
  }
  interface Options {
    url: string
    connections: number
    duration: number
    setupClient (client: Client): void
  }
  interface Result {
    duration: number
    errors: number
    timeouts: number
    latency: { p50: number, p99: number }
    requests: { total: number }
    statusCodeStats: Record<string, { count: number }>
  }
  export default function autocannon (options: Options): Promise<Result>
}
