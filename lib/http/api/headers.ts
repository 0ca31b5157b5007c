/** The headers of all answers of the API: of secrets and of who has which keys nothing is to stay anywhere, nor is JSON anything else. */
export const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const
