/** A pattern for LIKE, with `!` as its escape, that fits what contains a text. */
export function toPattern (text: string): string {
  return `%${escape(text)}%`
}

/** A pattern for LIKE, with `!` as its escape, that fits what begins with a text. */
export function toStartPattern (text: string): string {
  return `${escape(text)}%`
}

function escape (text: string): string {
  return text.replace(/[!%_]/g, '!$&')
}
