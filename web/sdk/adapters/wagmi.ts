// A connector for wagmi. It does not depend on wagmi: a connector is a function that wagmi calls with its configuration.

import { type ChainOptions, createProvider, type NodeOptions, type Provider, type ProviderRpcError } from 'imkey-connect'
import { icon } from '../provider/icon'
import type { Address, Chain, Config, Connector, ConnectorParameters, Transport } from '../types/wagmi'

imKey.type = 'imKey' as const

export function imKey(parameters: ConnectorParameters = {}): (config: Config) => Connector {
  const { rpcUrls: _, maxFees: __, ...options } = parameters
  return (config) => {
    let made: Provider | undefined
    let listening = false
    const provider = () =>
      (made ??= createProvider({ remember: true, ...options, chains: config.chains.map((chain) => chainOf(chain, config, parameters)) }))
    const accountsOf = (method: string) => provider().request({ method }) as Promise<Address[]>

    function listen(on: boolean) {
      if (listening === on) return
      listening = on
      /* oxlint-disable typescript/unbound-method -- none of these uses this */
      const each = on ? provider().on : provider().removeListener
      each('accountsChanged', connector.onAccountsChanged)
      each('chainChanged', connector.onChainChanged)
      /* oxlint-enable typescript/unbound-method */
      each('message', told)
    }
    const told = (message: { type: string; data: unknown }) => config.emitter.emit('message', message)

    const connector: Connector = {
      id: 'imKey',
      name: 'imKey',
      rdns: 'im.imkey',
      type: imKey.type,
      icon,

      async connect({ chainId, isReconnecting, withCapabilities } = {}) {
        const accounts = await accountsOf(isReconnecting ? 'eth_accounts' : 'eth_requestAccounts')
        listen(true)
        let selected = await connector.getChainId()
        if (chainId !== undefined && chainId !== selected) selected = (await connector.switchChain({ chainId })).id
        const given = withCapabilities ? accounts.map((address) => ({ address, capabilities: {} })) : accounts
        return { accounts: given as never, chainId: selected }
      },
      async disconnect() {
        listen(false)
        await provider().request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
      },
      getAccounts: () => accountsOf('eth_accounts'),
      getChainId: async () => Number(await provider().request({ method: 'eth_chainId' })),
      getProvider: async () => provider(),
      isAuthorized: async () => (await accountsOf('eth_accounts')).length > 0,
      async switchChain({ chainId, addEthereumChainParameter }) {
        const hex = `0x${chainId.toString(16)}`
        const chain = config.chains.find(({ id }) => id === chainId)
        if (!chain) throw new Error(`chain ${chainId} is not among those that wagmi is configured with`)
        await provider()
          .request({ method: 'wallet_switchEthereumChain', params: [{ chainId: hex }] })
          .catch((error: ProviderRpcError) => {
            if (error.code !== 4902 || !addEthereumChainParameter) throw error
            return provider().request({ method: 'wallet_addEthereumChain', params: [{ ...addEthereumChainParameter, chainId: hex }] })
          })
        return chain
      },

      onAccountsChanged(accounts) {
        if (accounts.length === 0) connector.onDisconnect()
        else config.emitter.emit('change', { accounts: accounts as Address[] })
      },
      onChainChanged(chainId) {
        config.emitter.emit('change', { chainId: Number(chainId) })
      },
      // Unplugging the device does not end the connection, which continues when the device is plugged in again.
      onDisconnect() {
        listen(false)
        config.emitter.emit('disconnect')
      },
    }
    return connector
  }
}

/**
 * chainOf describes a chain, with the nodes of wagmi's transport for it, or else the chain's default nodes. A chain without either gets none:
 * createProvider leaves it out, and says so.
 */
function chainOf(chain: Chain, { transports }: Config, { rpcUrls, maxFees }: ConnectorParameters): ChainOptions {
  const { http = [], webSocket } = (chain.rpcUrls as Partial<Chain['rpcUrls']> | undefined)?.default ?? {}
  const given = rpcUrls?.[chain.id] ?? nodesOf(transportOf(chain, transports))
  const nodes = given === undefined || given.length === 0 ? http : given
  const maxFee = maxFees?.[chain.id]
  return {
    chainId: chain.id,
    chainName: chain.name,
    nativeCurrency: chain.nativeCurrency,
    rpcUrls: typeof nodes === 'string' ? [nodes] : nodes,
    ...(webSocket?.[0] !== undefined && { webSocketUrl: webSocket[0] }),
    ...(maxFee !== undefined && { maxFee }),
  }
}

/** transportOf makes the transport of a chain. viem's http() throws for a chain that has no address. */
function transportOf(chain: Chain, transports: Config['transports']): Transport['value'] {
  try {
    return transports?.[chain.id]?.({ chain }).value
  } catch {
    return undefined
  }
}

/** nodesOf gives the addresses and the headers of an http transport, or of those in a fallback transport. Others have none. */
function nodesOf(value: Transport['value']): readonly NodeOptions[] | undefined {
  if (value?.transports) return value.transports.flatMap((transport) => nodesOf(transport.value) ?? [])
  if (!value?.url || /^wss?:/i.test(value.url)) return undefined
  const headers = value.fetchOptions?.headers
  return [{ url: value.url, ...(headers && { headers }) }]
}
