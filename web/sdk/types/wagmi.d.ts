/**
 * A connector for wagmi 2 and 3: `createConfig({ connectors: [imKey()], … })`.
 *
 * @module imkey-connect/wagmi
 */

import type { NodeOptions, Provider, ProviderOptions } from './imkey.js'

/** An address: 20 bytes in hex after 0x. */
export type Address = `0x${string}`

/** The part of a viem chain that the connector needs. */
export interface Chain {
  readonly id: number
  readonly name: string
  readonly nativeCurrency: { readonly name: string; readonly symbol: string; readonly decimals: number }
  readonly rpcUrls: { readonly default: { readonly http: readonly string[]; readonly webSocket?: readonly string[] | undefined } }
}

/** The part of wagmi's configuration that the connector needs. */
export interface Config {
  readonly chains: readonly Chain[]
  readonly emitter: {
    /** Reports other accounts or another chain. */
    emit(event: 'change', data: { accounts?: readonly Address[]; chainId?: number }): void
    /** Reports that the site has no accounts any more. */
    emit(event: 'disconnect'): void
    /** Passes on a message of the provider. */
    emit(event: 'message', data: { type: string; data?: unknown }): void
  }
  /** The transports, by chain id. */
  readonly transports?: Record<number, (options: any) => Transport> | undefined
}

/** The part of a viem transport that the connector needs: of http, or of fallback. */
export interface Transport {
  readonly value?:
    | {
        readonly url?: string | undefined
        readonly fetchOptions?: { readonly headers?: NodeOptions['headers'] | undefined } | undefined
        readonly transports?: readonly Transport[] | undefined
      }
    | undefined
}

/** What wagmi needs of a connector. It is a type, since wagmi needs an index signature, which an interface does not imply. */
export type Connector = {
  readonly id: string
  readonly name: string
  readonly rdns: string
  readonly type: string
  readonly icon: string
  /** Connects, or reconnects without asking the user. */
  connect<withCapabilities extends boolean = false>(parameters?: {
    chainId?: number | undefined
    isReconnecting?: boolean | undefined
    withCapabilities?: withCapabilities | boolean | undefined
  }): Promise<{
    accounts: withCapabilities extends true ? readonly { address: Address; capabilities: Record<string, unknown> }[] : readonly Address[]
    chainId: number
  }>
  /** Revokes the site's permission. */
  disconnect(): Promise<void>
  /** Resolves to the addresses that the site may use. */
  getAccounts(): Promise<readonly Address[]>
  /** Resolves to the id of the selected chain. */
  getChainId(): Promise<number>
  /** Resolves to the provider. */
  getProvider(): Promise<Provider>
  /** Whether the site may use an address. */
  isAuthorized(): Promise<boolean>
  /** Selects a chain. A chain that the provider does not know is added first, with the parameter. */
  switchChain(parameters: { chainId: number; addEthereumChainParameter?: object | undefined }): Promise<any>
  /** Tells wagmi of other accounts. */
  onAccountsChanged(accounts: string[]): void
  /** Tells wagmi of another chain. */
  onChainChanged(chainId: string): void
  /** Tells wagmi that the site has no accounts any more. */
  onDisconnect(): void
}

/** The options of createProvider, except for the chains, which are wagmi's. `remember` is true by default, so that wagmi reconnects after a reload. */
export interface ConnectorParameters extends Omit<ProviderOptions, 'chains' | 'chainId'> {
  /**
   * The addresses of nodes by chain id. Default: those of wagmi's http transports, also within fallback, with the headers of their
   * `fetchOptions`; or else the chain's own.
   */
  rpcUrls?: Readonly<Record<number, string | readonly (string | NodeOptions)[]>>
  /** The `maxFee` of a chain, by chain id. */
  maxFees?: Readonly<Record<number, bigint>>
}

/** Makes a connector for `connectors` of wagmi's createConfig. */
export const imKey: {
  (parameters?: ConnectorParameters): (config: any) => Connector
  readonly type: 'imKey'
}
