// A connector for wagmi 2 and 3: createConfig({ connectors: [imKey()], … }).

import type { Provider, ProviderOptions } from './imkey.js'

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
    emit(event: 'change', data: { accounts?: readonly Address[]; chainId?: number }): void
    emit(event: 'disconnect'): void
    emit(event: 'message', data: { type: string; data?: unknown }): void
  }
  readonly transports?: Record<number, (options: any) => { readonly value?: { readonly url?: string | undefined } | undefined }> | undefined
}

/** A type instead of an interface: wagmi needs an index signature, which an interface does not imply. */
export type Connector = {
  readonly id: string
  readonly name: string
  readonly rdns: string
  readonly type: string
  readonly icon: string
  connect<withCapabilities extends boolean = false>(parameters?: {
    chainId?: number | undefined
    isReconnecting?: boolean | undefined
    withCapabilities?: withCapabilities | boolean | undefined
  }): Promise<{
    accounts: withCapabilities extends true ? readonly { address: Address; capabilities: Record<string, unknown> }[] : readonly Address[]
    chainId: number
  }>
  disconnect(): Promise<void>
  getAccounts(): Promise<readonly Address[]>
  getChainId(): Promise<number>
  getProvider(): Promise<Provider>
  isAuthorized(): Promise<boolean>
  switchChain(parameters: { chainId: number; addEthereumChainParameter?: object | undefined }): Promise<any>
  onAccountsChanged(accounts: string[]): void
  onChainChanged(chainId: string): void
  onDisconnect(): void
}

/** The options of createProvider, except for the chains, which are wagmi's. `remember` is true by default, so that wagmi reconnects after a reload. */
export interface ConnectorParameters extends Omit<ProviderOptions, 'chains' | 'chainId'> {
  /** The addresses of nodes by chain id. Default: those of wagmi's http transports, or else the chain's own. */
  rpcUrls?: Readonly<Record<number, string | readonly string[]>>
}

export const imKey: {
  (parameters?: ConnectorParameters): (config: any) => Connector
  readonly type: 'imKey'
}
