import 'fastify'

/* What @fastify/jwt adds, as far as the benchmark uses it. */
declare module 'fastify' {
  interface FastifyInstance {
    jwt: { sign (payload: object): string }
  }

  interface FastifyRequest {
    jwtVerify (): Promise<unknown>
  }
}
