// A connector for wagmi. It does not depend on wagmi: a connector is a function that wagmi calls with its configuration.

import { type ChainOptions, createProvider, type Provider, type ProviderRpcError } from 'imkey-connect'
import { icon } from '../provider/icon'
import type { Address, Chain, Config, Connector, ConnectorParameters } from '../types/wagmi'

imKey.type = 'imKey' as const

export function imKey(parameters: ConnectorParameters = {}): (config: Config) => Connector {
  const { rpcUrls, ...options } = parameters
  return (config) => {
    let made: Provider | undefined
    let listening = false
    const provider = () =>
      (made ??= createProvider({ remember: true, ...options, chains: config.chains.map((chain) => chainOf(chain, config, rpcUrls)) }))
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

/** chainOf describes a chain, with the nodes of wagmi's transport for it, or else the chain's default nodes. */
function chainOf(chain: Chain, { transports }: Config, given: ConnectorParameters['rpcUrls']): ChainOptions {
  const url = given?.[chain.id] ?? transports?.[chain.id]?.({ chain })?.value?.url ?? chain.rpcUrls.default.http
  const [webSocketUrl] = chain.rpcUrls.default.webSocket ?? []
  return {
    chainId: chain.id,
    chainName: chain.name,
    nativeCurrency: chain.nativeCurrency,
    rpcUrls: (Array.isArray(url) ? url : [url]).filter((url) => url.startsWith('http')),
    ...(webSocketUrl !== undefined && { webSocketUrl }),
  }
}
