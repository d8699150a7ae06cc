import { type CreateConnectorFn, createConfig, http } from '@wagmi/core'
import { definition } from './client'

/** config is wagmi's, with the connectors that a site names and those that announce themselves. */
export function config(connectors: readonly CreateConnectorFn[]) {
  return createConfig({
    chains: [definition],
    connectors: [...connectors],
    transports: { [definition.id]: http() },
    pollingInterval: 50,
  })
}
