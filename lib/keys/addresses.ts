import { BlockList, isIP } from 'node:net'

/** How many networks a key may name. */
export const MAX_NETWORKS = 100

/** What a network may be, in words. */
export const NETWORK_FORMS = `a list of 1 to ${MAX_NETWORKS} IPv4 or IPv6 addresses or networks such as '192.0.2.0/24', or null for anywhere`

const BITS = { 4: 32, 6: 128 } as const

interface Network {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Whether a value is a list of networks, each an address or one with the number of its leading bits (RFC 4632, RFC 4291). */
export function areNetworks (value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_NETWORKS &&
    Array.from<unknown>(value).every((network) => typeof network === 'string' && parse(network) !== null)
}

/** Tells whether an address is in one of the networks. IPv4 addresses count also where they are mapped into IPv6. */
export class Networks {
  readonly #v4 = new BlockList()
  readonly #v6 = new BlockList()

  /** @param networks as `areNetworks` allows. What is none lets nobody in */
  constructor (networks: readonly string[]) {
    for (const text of networks) {
      const network = parse(text)
      if (network !== null) this.#listOf(network.address, network.family, network.bits).addSubnet(network.address, network.bits, network.family)
    }
  }

  /** @param ip null for a caller without an address, who is in no network */
  include (ip: string | null): boolean {
    if (ip === null) return false
    // The zone says by which interface a link-local address is reached.
    const address = ip.replace(/%.*$/, '')
    const version = isIP(address)
    const family = version === 4 ? 'ipv4' : 'ipv6'
    return version !== 0 && this.#listOf(address, family).check(address, family)
  }

  /** IPv4 has a list of its own, since a network such as ::/0 would have all of it, mapped. */
  #listOf (address: string, family: 'ipv4' | 'ipv6', bits: number = BITS[6]): BlockList {
    return family === 'ipv4' || (bits >= MAPPED_BITS && MAPPED.check(address, 'ipv6')) ? this.#v4 : this.#v6
  }
}

/**
 * Whether each network lies in one of some others. One that only several of them together hold does not.
 *
 * @param networks as `areNetworks` allows, as the others
 */
export function lieWithin (networks: readonly string[], others: readonly string[]): boolean {
  const wholes = others.map((text) => ({ bits: leadingBits(text), network: new Networks([text]) }))
  return networks.every((text) => others.includes(text) || wholes.some(({ bits, network }) => bits <= leadingBits(text) && network.include(parse(text)?.address ?? null)))
}

/** How many bits of a network's addresses are fixed, as of IPv6, in which those of IPv4 are the last 32. */
function leadingBits (text: string): number {
  const network = parse(text)
  return network === null ? 0 : network.family === 'ipv4' ? MAPPED_BITS + network.bits : network.bits
}

/** Where IPv6 has the addresses of IPv4 (RFC 4291, section 2.5.5.2). */
const MAPPED_BITS = 96
const MAPPED = new BlockList()
MAPPED.addSubnet('::ffff:0:0', MAPPED_BITS, 'ipv6')

function parse (text: string): Network | null {
  const [, address = '', digits] = /^([0-9a-fA-F:.]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const family = isIP(address)
  if (family !== 4 && family !== 6) return null
  const most = BITS[family]
  const bits = digits === undefined ? most : Number(digits)
  return bits > most ? null : { address, bits, family: family === 4 ? 'ipv4' : 'ipv6' }
}
