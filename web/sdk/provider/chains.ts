import type { ChainOptions } from '../types/imkey'
import type { Call } from './call'
import type { Chain } from './chain'
import type { Host } from './host'
import { hex } from './hex'
import { badParams, Refusal } from './refusal'
import { Nodes } from './rpc'

/** Chains are the chains that a provider knows, one of which is selected. Requests to their nodes go through it. */
export class Chains {
  readonly #host: Host
  readonly #known: Map<number, Chain>
  readonly #nodes = new WeakMap<Chain, Nodes>()
  readonly #changed: () => void
  #selected: number

  /** recalled is the chain that was selected before a reload. changed is called when another one is, before the event. */
  constructor(host: Host, recalled: number | undefined, changed: () => void) {
    this.#host = host
    this.#known = new Map(host.settings.chains.map((chain) => [chain.id, chain]))
    this.#changed = changed
    // A chain that was added by wallet_addEthereumChain is not known any more after a reload.
    this.#selected = recalled !== undefined && this.#known.has(recalled) ? recalled : host.settings.chainId
  }

  get id(): number {
    return this.#selected
  }

  get selected(): Chain {
    return this.#known.get(this.#selected)!
  }

  /** The ids of the chains that are known. */
  get ids(): number[] {
    return [...this.#known.keys()]
  }

  /** get gives the chain with that id, if it is known. */
  get(id: number): Chain | undefined {
    return this.#known.get(id)
  }

  /** of gives the chain that a call is for. */
  of({ chain }: Call): Chain {
    return chain ?? this.selected
  }

  /** switchTo carries out wallet_switchEthereumChain (EIP-3326). */
  switchTo(wanted: unknown): null {
    const id = chainIdOf(wanted)
    if (!this.#known.has(id)) {
      const odd = this.#host.settings.unusable.find(({ chainId }) => Number(chainId) === id)
      throw new Refusal(
        4902,
        odd
          ? `Chain ${id} cannot be used here. Use another chain. (${odd.reason})`
          : `Chain ${id} is unknown here. Add it with wallet_addEthereumChain first.`,
        'invalid-argument',
      )
    }
    this.#select(id)
    return null
  }

  /** add carries out wallet_addEthereumChain (EIP-3085): the chain's node has to confirm the id. Wallets select what they add. */
  async add(wanted: unknown, signal: AbortSignal | undefined): Promise<null> {
    const id = chainIdOf(wanted)
    if (!this.#known.has(id)) {
      let chain: Chain
      try {
        chain = this.#host.readChain(wanted as ChainOptions)
      } catch (sentence) {
        throw badParams(String(sentence))
      }
      await this.nodes(chain)
        .first((node) => node.confirm(signal), { signal })
        .catch((thrown: unknown) => {
          if (thrown instanceof Refusal && thrown.rpc.code === 4901) throw badParams(`the node at rpcUrls is on another chain than ${id}`)
          throw thrown
        })
      if (!this.#known.has(id)) this.#known.set(id, chain)
    }
    this.#select(id)
    return null
  }

  /** nodes gives the nodes of a chain, which remember what they said. */
  nodes(chain = this.selected): Nodes {
    let nodes = this.#nodes.get(chain)
    if (!nodes) this.#nodes.set(chain, (nodes = new Nodes(chain, this.#host.settings.rpcTimeout, this.#host.reads)))
    return nodes
  }

  /** ask passes a request on to the nodes of a chain. */
  ask(method: string, params: readonly unknown[] | object, signal?: AbortSignal, chain = this.selected): Promise<unknown> {
    return this.nodes(chain).ask(method, params, signal)
  }

  /** transaction says where the nodes of the chain have a transaction. All are asked at once, since one may not answer. */
  transaction(hash: string, chain: Chain): Promise<'mined' | 'waiting' | undefined> {
    return Promise.any(
      this.nodes(chain).list.map(async (node) => {
        await node.confirm()
        const found = Object(await node.ask('eth_getTransactionByHash', [hash])) as Record<string, unknown>
        if (String(found['hash']).toLowerCase() !== hash) throw found
        return typeof found['blockNumber'] === 'string' ? 'mined' : 'waiting'
      }),
    ).catch(() => undefined)
  }

  #select(id: number) {
    if (id === this.#selected) return
    this.#selected = id
    this.#changed()
    this.#host.emit('chainChanged', hex(id))
  }
}

function chainIdOf(wanted: unknown): number {
  const { chainId } = Object(wanted) as { chainId?: unknown }
  if (typeof chainId !== 'string' || !/^0x[1-9a-f][0-9a-f]*$/i.test(chainId) || !Number.isSafeInteger(Number(chainId))) {
    throw badParams('the chainId is not a number in hex without leading zeros, as in "0x1"')
  }
  return Number(chainId)
}
