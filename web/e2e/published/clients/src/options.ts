import type { ProviderOptions } from 'imkey-connect'
import { chain, rpc } from './client'

/** That a simulated device is trusted is the test's doing; a site leaves it out. */
export const simulated = { trustedCAs: [new URLSearchParams(location.search).get('ca')!] }

export const options: ProviderOptions = { chains: [{ chainId: Number(chain()), rpcUrls: [rpc()] }], ...simulated }
