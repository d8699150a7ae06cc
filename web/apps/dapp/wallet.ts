import { dapp as words, unnamedChain } from '../../ui/words/dapp'
import { say, type Text } from '../../ui/words/text'
import { createProvider, type Provider, type ProviderInteraction } from 'imkey-connect'
import { loopback, simulatedUSB, type SimulatorFacts } from '../../ui/simulator/simulator'
import type { Request } from './requests'

export const firstNode = 'http://127.0.0.1:8545'

/** startNode is the command that starts a node at firstNode, whose accounts have coins. */
export const startNode = 'npx @foundry-rs/anvil'

/** The names of the chains that the page knows. For all of them it uses the one node that the user runs. */
const names = new Map<number, Text>([
  [31337, words.localChain],
  [1, say('Ethereum', '以太坊')],
  [11155111, say('Sepolia', 'Sepolia 测试链')],
])

/** chainName returns the name of a chain. */
export function chainName(id: number): Text {
  return names.get(id) ?? unnamedChain(id)
}

/** Wallet is the dApp's use of the provider: the account and the chain that it works with. */
export class Wallet {
  account: string | null = null
  chainId = 31337
  node = firstNode
  /** Whether the device is plugged in. It is true while no account is connected. */
  plugged = true
  /** Is called with what the user has to do. */
  onInteraction: (interaction: ProviderInteraction) => void = () => undefined
  readonly #chains = new Set(names.keys())
  #usb: USB | undefined
  #provider: Provider

  constructor(
    private readonly simulator: SimulatorFacts | null,
    private readonly connector: string | undefined,
    private readonly changed: () => void,
  ) {
    this.#provider = this.#make()
  }

  /** Reports whether the simulated device is used. */
  get simulated(): boolean {
    return this.#usb !== undefined
  }

  get chains(): readonly number[] {
    return [...this.#chains]
  }

  request(request: Request, signal?: AbortSignal): Promise<unknown> {
    return this.#provider.request({ ...request, ...(signal && { signal }) })
  }

  /** Asks for the accounts. Call it in a click: otherwise the browser does not open its chooser. */
  async connect(signal: AbortSignal): Promise<unknown> {
    const accounts = (await this.request({ method: 'eth_requestAccounts' }, signal)) as string[]
    this.account = accounts[0] ?? null
    this.plugged = true
    this.changed()
    return accounts
  }

  /** Asks for the accounts of the simulated device, over a WebSocket in place of the browser's USB. */
  async connectSimulated(signal: AbortSignal): Promise<unknown> {
    if (this.simulator && !this.#usb) {
      this.#usb = await simulatedUSB(this.simulator)
      this.#provider = this.#make()
    }
    return this.connect(signal)
  }

  async disconnect(): Promise<void> {
    await this.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
    this.account = null
    if (this.#usb) {
      this.#usb = undefined
      this.#provider = this.#make()
    }
    this.changed()
  }

  /** Uses another node and its chain. The nodes of a provider do not change, so this makes another provider. */
  async useNode(url: string, chainId: number, signal: AbortSignal): Promise<void> {
    this.node = url
    this.#chains.add(chainId)
    this.chainId = chainId
    this.#provider = this.#make()
    if (this.account === null) this.changed()
    else await this.connect(signal)
  }

  #make(): Provider {
    const provider = createProvider({
      ...(this.#usb && { usb: this.#usb }),
      ...(this.connector !== undefined && { connector: this.connector }),
      ...(this.simulator && { trustedCAs: this.simulator.cas }),
      // The vendor's CA key is not known, so real devices cannot be verified. The dialog says so and asks the user.
      allowUnverified: true,
      chainId: this.chainId,
      chains: this.chains.map((chainId) => ({
        chainId,
        rpcUrls: [this.node],
      })),
    })
    const current = (told: () => void) => () => {
      if (provider !== this.#provider) return
      told()
      this.changed()
    }
    provider.on('interaction', (interaction) => this.onInteraction(interaction))
    provider.on(
      'connect',
      current(() => {
        this.plugged = true
      }),
    )
    provider.on(
      'disconnect',
      current(() => {
        this.plugged = false
      }),
    )
    provider.on('accountsChanged', (accounts) =>
      current(() => {
        this.account = accounts[0] ?? null
      })(),
    )
    provider.on('chainChanged', (chainId) =>
      current(() => {
        this.chainId = Number(chainId)
      })(),
    )
    return provider
  }
}

/**
 * connectorOf gives the connector that the address of this page names, as in /dapp?connector=http://localhost:7380/connect. It has to be on
 * this computer, and so has this page: a link must not choose where others bind their device.
 */
export function connectorOf({ hostname, search }: Location): string | undefined {
  const named = new URLSearchParams(search).get('connector')
  if (named === null || !URL.canParse(named) || !loopback(hostname) || !loopback(new URL(named).hostname)) return undefined
  return named
}

/** chainOf asks a node for its chain's id. It returns undefined if no node answers. */
export async function chainOf(url: string): Promise<number | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(5000),
    })
    const { result } = (await answer.json()) as { result?: unknown }
    const id = typeof result === 'string' && /^0x[0-9a-f]{1,13}$/i.test(result) ? Number(result) : 0
    return id > 0 ? id : undefined
  } catch {
    return undefined
  }
}
