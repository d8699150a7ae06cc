import type { ProviderOptions } from 'imkey-connect'
import { chain, rpc } from './client'

/** The simulator's CA, which only a test trusts: a site leaves this out. */
export const simulated = { trustedCAs: [new URLSearchParams(location.search).get('ca')!] }

export const options: ProviderOptions = { chains: [{ chainId: Number(chain()), rpcUrls: [rpc()] }], ...simulated }
