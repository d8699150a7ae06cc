// The provider for TRON of a page: with the device in the page, or with a connector's window.

import type { Device } from 'imkey-connect'
import { addressesOf, brokerTron, mainnet, makeTronProvider, type TronWallet } from '../coins/tron'
import { standing } from '../provider/standing'
import type { TronProvider, TronProviderOptions } from '../types/tron'
import { opening, refused, rpcError } from './opening'
import { connecting } from './connecting'

export { announceTronProvider } from '../coins/tron'

export function createTronProvider(options: TronProviderOptions = {}): TronProvider {
  const { tronWeb = {}, chainId = mainnet, path, pairing = 'dialog', connector, onInteraction, ...load } = options
  if (typeof tronWeb !== 'object' || tronWeb === null) throw new TypeError('tronWeb is not an object')
  if (!/^0x[0-9a-f]{1,8}$/.test(chainId)) throw new TypeError('chainId is not 0x and hex digits in lower case')

  function inPage(): TronWallet {
    const at = path === undefined ? {} : { path }
    const { use } = opening({
      load,
      pairing,
      onInteraction,
      gone: () => made.gone(refused(4900, 'device-disconnected', 'The imKey was unplugged.')),
    })
    const signs = async <T>(from: string, sign: (device: Device, options: { path?: string; from: string }) => Promise<T>) =>
      use(false, (device) => sign(device, { ...at, ...standing, from }))
    return {
      connect: () => use(true, async ({ tron }) => [(await tron.getAccount({ ...at, ...standing })).address]),
      revoke: () => {},
      signTransaction: (claims, from) => signs(from, async ({ tron }, options) => (await tron.signTransaction(claims, options)).signature),
      signMessage: (message, from, format) =>
        signs(from, async ({ tron }, options) => (await tron.signMessage(message, { ...options, ...format })).signature),
      signTypedData: (document, from) => signs(from, async ({ tron }, options) => (await tron.signTypedData(document, options)).signature),
    }
  }

  const wallet = connector === undefined ? inPage() : brokerTron(connecting(connector, 'tron', () => told))
  const made = makeTronProvider({ wallet, tronWeb, chainId, error: rpcError })
  const told = { changed: (accounts: unknown) => made.changed(addressesOf(accounts)), gone: made.gone }
  return made.provider
}
