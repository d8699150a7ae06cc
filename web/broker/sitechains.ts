import { type ChainMessage, chainMessage, mostNodes } from '../sdk/protocol/messages'
import { type Chain, isRelative, readChain } from '../sdk/provider/chain'
import { plain } from '../sdk/provider/hex'
import { badParams } from '../sdk/provider/refusal'
import type { ChainOptions } from '../sdk/types/imkey'
import type { Around } from './around'
import { nameOf } from './chains'
import { nearness } from './origin'
import type { Guest } from './room'

/** The most chains of an origin: those that its requests name, and those that it adds. */
const most = 32

/** SiteChains are the chains that one origin defines. */
export class SiteChains {
  readonly #around: Pick<Around, 'chains' | 'names' | 'definitions'>
  readonly #origin: string
  readonly #kept = new Map<string, { readonly chain: Chain; readonly guest: Guest }>() // as requests give them, by their JSON
  readonly #added = new Map<number, ChainMessage>() // with wallet_addEthereumChain

  constructor(around: Pick<Around, 'chains' | 'names' | 'definitions'>, origin: string) {
    this.#around = around
    this.#origin = origin
  }

  /** all gives the chains that the site finds, with the one that it added and selected before. */
  all(selected: ChainMessage | undefined): readonly Chain[] {
    const { chains } = this.#around
    if (!selected || chains.some(({ id }) => id === selected.chainId)) return chains
    try {
      const added = this.of(selected)
      this.#added.set(selected.chainId, selected)
      return [...chains, added]
    } catch {
      return chains
    }
  }

  /**
   * of reads the chain that a request is for. It is kept with what its nodes said, while there is room: all sites share that. It throws -32602
   * for a chain that cannot be used.
   */
  of(message: ChainMessage): Chain {
    const key = JSON.stringify(message)
    const before = this.#kept.get(key)
    if (before) return before.chain
    const { maxFee, ...rest } = message
    let chain
    try {
      chain = this.#read({ ...rest, ...(maxFee !== undefined && { maxFee: BigInt(maxFee) }) })
    } catch (sentence) {
      throw badParams(String(sentence))
    }
    if (this.#kept.size >= most) this.#drop(this.#kept.keys().next().value!)
    try {
      const guest = this.#around.definitions.enter({ origin: this.#origin }, key.length, () => this.#kept.delete(key))
      this.#kept.set(key, { chain, guest })
    } catch {
      // Without room it serves this request alone.
    }
    return chain
  }

  /** named gives the newest chain with that id that a request named, while it is kept. */
  named(id: number): Chain | undefined {
    return [...this.#kept.values()].findLast(({ chain }) => chain.id === id)?.chain
  }

  /** add reads a chain that the site adds. It throws a sentence, as readChain does. */
  add(options: ChainOptions): Chain {
    const chain = this.#read(options)
    if (this.#added.size >= most && !this.#added.has(chain.id)) throw `this site added ${most} chains already`
    this.#added.set(chain.id, chainMessage(chain, nameOf(options)))
    return chain
  }

  /** added gives a chain that the site added, as it is stored. */
  added(id: number): ChainMessage | undefined {
    return this.#added.get(id)
  }

  /** close forgets the chains of the requests. */
  close() {
    for (const key of this.#kept.keys()) this.#drop(key)
  }

  #drop(key: string) {
    this.#kept.get(key)!.guest.leave()
    this.#kept.delete(key)
  }

  /**
   * #read reads a chain from a site. A relative address would be the wallet's own, where a request carries the wallet's cookies. A site elsewhere
   * must not make the wallet talk to services of this computer or of its network, also not by a redirection.
   */
  #read(options: ChainOptions): Chain {
    const { rpcUrls, webSocketUrl } = Object(options) as { rpcUrls?: unknown; webSocketUrl?: unknown }
    const own = globalThis.location?.origin
    for (const node of [...(Array.isArray(rpcUrls) ? (rpcUrls as unknown[]) : []), webSocketUrl]) {
      const url: unknown = typeof node === 'string' ? node : (Object(node) as { url?: unknown }).url
      if (typeof url !== 'string') continue
      const whole = URL.canParse(url)
      if (!whole && !isRelative(url)) continue // no address: readChain leaves it out
      if (!whole || new URL(url).origin === own) throw "an address of a node is relative or the wallet's own, so it is not asked"
      if (nearness(new URL(url).hostname) > nearness(new URL(this.#origin).hostname)) {
        throw 'an address of a node is on this computer or a private network, and only a site there may name it'
      }
    }
    const read = readChain(options)
    const chain: Chain = Object.assign(read, { nodes: read.nodes.slice(0, mostNodes).map((node) => plain({ ...node, fixed: true })) })
    const name = nameOf(options)
    if (name !== undefined) this.#around.names.set(chain, name)
    return chain
  }
}
