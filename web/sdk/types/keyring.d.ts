/**
 * A wallet module for web3-onboard: `init({ wallets: [imKey()], chains: […] })`.
 *
 * @module imkey-connect/keyring
 */

import type { NodeOptions, Provider, ProviderOptions } from './imkey.js'

/** The part of web3-onboard's helpers that the module needs. A chain without an rpcUrl, here or in the options, is left out, and so is
 * one that cannot be used: see `unusableChains` of the provider. */
export interface OnboardHelpers {
  readonly chains: readonly {
    readonly id: string | number
    readonly rpcUrl?: string | null
    readonly token?: string
    readonly label?: string
  }[]
}

/** What web3-onboard needs of a wallet. */
export interface OnboardModule {
  /** The name of the wallet in the list. */
  label: string
  /** Resolves to the icon, a data URI. */
  getIcon(): Promise<string>
  /** Resolves to the provider. Its `disconnect` revokes the site's permission. */
  getInterface(helpers: any): Promise<{ provider: Provider & any }>
}

/** The options of createProvider, except for the chains, which are web3-onboard's. */
export interface OnboardOptions extends Omit<ProviderOptions, 'chains' | 'chainId'> {
  /** The name of the wallet in the list. Default: imKey. */
  label?: string
  /** The addresses of nodes by chain id. Default: the chain's rpcUrl. */
  rpcUrls?: Readonly<Record<number, string | readonly (string | NodeOptions)[]>>
  /** The `maxFee` of a chain, by chain id. */
  maxFees?: Readonly<Record<number, bigint>>
}

/** Makes a wallet for `wallets` of web3-onboard's init. */
export function imKey(options?: OnboardOptions): () => OnboardModule
export default imKey
