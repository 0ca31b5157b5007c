/**
 * The network that an address stands for when attempts are counted: an IPv4 address itself, also one mapped into IPv6; of
 * IPv6 the first 64 bits, since whoever has one such address has all others of its network.
 *
 * @param ip as Node gives it; other text stands for itself
 */
export function networkOf (ip: string): string {
  if (!ip.includes(':')) return ip
  // Some proxies pass the port on, which is another with each connection.
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(ip)?.[1]
  if (withPort !== undefined) return withPort
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = ip.split('::')
  const groups = head === '' ? [] : head.split(':')
  // What `::` leaves out is zero.
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':')
    while (groups.length + rest.length < 8) groups.push('0')
    groups.push(...rest)
  }
  return groups.slice(0, 4).map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')
}
