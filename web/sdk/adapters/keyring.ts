// A wallet module for web3-onboard. It does not depend on web3-onboard: a module is a function that returns an object.

import { createProvider } from 'imkey-connect'
import { icon } from '../provider/icon'
import type { OnboardHelpers, OnboardModule, OnboardOptions } from '../types/keyring'

export function imKey(options: OnboardOptions = {}): () => OnboardModule {
  const { rpcUrls, maxFees, label = 'imKey', ...rest } = options
  return () => ({
    label,
    getIcon: async () => icon,
    getInterface: async ({ chains }: OnboardHelpers) => {
      const provider = createProvider({
        ...rest,
        chains: chains.flatMap((chain) => {
          const given = rpcUrls?.[Number(chain.id)] ?? chain.rpcUrl
          const maxFee = maxFees?.[Number(chain.id)]
          // The currency is ETH if none is given. Its decimals are 18, as on every EVM chain.
          return given == null
            ? []
            : [
                {
                  chainId: Number(chain.id),
                  ...(chain.label != null && { chainName: chain.label }),
                  rpcUrls: typeof given === 'string' ? [given] : given,
                  ...(maxFee !== undefined && { maxFee }),
                  ...(chain.token != null && { nativeCurrency: { symbol: chain.token, decimals: 18 } }),
                },
              ]
        }),
      })
      // web3-onboard calls this when the wallet is disconnected, and does not wait for it.
      const disconnect = () => {
        provider.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] }).catch(() => {})
      }
      return { provider: Object.assign(provider, { disconnect }) }
    },
  })
}

export default imKey

export { connectBridge, localBridge, serveBridge } from './bridge'
export { ImKeyKeyring, ImKeyKeyringV2 } from './metamask'
