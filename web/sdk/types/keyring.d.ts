// A wallet module for web3-onboard: init({ wallets: [imKey()], chains: […] }).

import type { Provider, ProviderOptions } from './imkey.js'

/** What web3-onboard gives a wallet. Chains without an rpcUrl, there or in the options, are left out. */
export interface OnboardHelpers {
  readonly chains: readonly { readonly id: string | number; readonly rpcUrl?: string | null; readonly token?: string }[]
}

export interface OnboardModule {
  label: string
  getIcon(): Promise<string>
  /** The provider's `disconnect` takes the accounts back from the site. */
  getInterface(helpers: any): Promise<{ provider: Provider & any }>
}

/** The chains are web3-onboard's. */
export interface OnboardOptions extends Omit<ProviderOptions, 'chains' | 'chainId'> {
  /** What the wallet is called in the list. Default: imKey. */
  label?: string
  /** By chain id, the nodes to ask. Default: the chain's rpcUrl. */
  rpcUrls?: Readonly<Record<number, string | readonly string[]>>
}

export function imKey(options?: OnboardOptions): () => OnboardModule
export default imKey
