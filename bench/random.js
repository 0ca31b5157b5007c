/**
 * The same items in random order.
 *
 * @template T
 * @param {readonly T[]} items
 */
export function shuffle (items) {
  const shuffled = [...items]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const item = /** @type {T} */ (shuffled[i])
    shuffled[i] = /** @type {T} */ (shuffled[j])
    shuffled[j] = item
  }
  return shuffled
}
