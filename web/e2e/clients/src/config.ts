import { type CreateConnectorFn, createConfig, http } from '@wagmi/core'
import { chain, rpc } from './client'

/** config is wagmi's, with the connectors that a site names and those that announce themselves. */
export function config(connectors: readonly CreateConnectorFn[]) {
  const definition = {
    id: Number(chain()), name: 'test', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc()] } },
  }
  return createConfig({
    chains: [definition], connectors: [...connectors], transports: { [definition.id]: http() }, pollingInterval: 50,
  })
}
