import { type CreateConnectorFn, createConfig, http } from '@wagmi/core'
import { definition } from './client'

/** config makes wagmi's configuration, with the given connectors and those that are announced by EIP-6963. */
export function config(connectors: readonly CreateConnectorFn[]) {
  return createConfig({
    chains: [definition],
    connectors: [...connectors],
    transports: { [definition.id]: http() },
    pollingInterval: 50,
  })
}
