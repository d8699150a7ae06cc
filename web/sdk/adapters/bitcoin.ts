// The provider for Bitcoin of a page: with the device in the page, or with a connector's window.

import type { Device } from 'imkey-connect'
import { accountsOf, type BitcoinAccount, type BitcoinWallet, brokerBitcoin, makeBitcoinProvider } from '../coins/bitcoin'
import { standing } from '../provider/standing'
import type { BitcoinProvider, BitcoinProviderOptions } from '../types/bitcoin'
import { connecting } from './connecting'
import { opening, rpcError } from './opening'

export { registerBitcoinProvider } from '../coins/bitcoin'

export function createBitcoinProvider(options: BitcoinProviderOptions = {}): BitcoinProvider {
  const { network = 'mainnet', account = 0, node, confirmFee, pairing = 'dialog', connector, onInteraction, ...load } = options
  if (!['mainnet', 'testnet', 'signet', 'regtest'].includes(network)) throw new TypeError('network is not the name of a network')
  if (!Number.isInteger(account) || account < 0 || account >= 2 ** 31) throw new TypeError('account is not a whole number below 2147483648')

  function inPage(): BitcoinWallet {
    const { loaded, use } = opening({ load, pairing, gone: () => {}, onInteraction })
    const coin = network === 'mainnet' ? 0 : 1
    const below = (purpose: number, change: number) => `m/${purpose}'/${coin}'/${account}'/${change}/0`
    let paths: string[] = []
    const read = async (device: Device, purpose: BitcoinAccount['purpose'], path: string): Promise<BitcoinAccount> => ({
      ...(await device.bitcoin.getAddress({ path, network, ...standing })),
      purpose,
    })
    return {
      connect: () =>
        use(true, async (device) => {
          const accounts = [
            await read(device, 'payment', below(84, 0)),
            await read(device, 'ordinals', below(86, 0)),
            await read(device, 'change', below(84, 1)),
          ]
          paths = accounts.map(({ path }) => path)
          return accounts
        }),
      revoke: () => {},
      describeAddress: async (address) => (await loaded()).bitcoin.describeAddress(address, { network }),
      signMessage: (message, { path, type, address }, scheme) =>
        use(false, ({ bitcoin }) => bitcoin.signMessage(message, { path, type, network, scheme, from: address, ...standing })),
      signPsbt: (psbt, { inputs, ...more }) =>
        use(false, ({ bitcoin }) => bitcoin.signPsbt(psbt, { network, paths, ...more, ...(inputs && { inputs }), ...standing })),
    }
  }

  const wallet =
    connector === undefined
      ? inPage()
      : brokerBitcoin(
          connecting(connector, 'bitcoin', () => told),
          network,
        )
  const made = makeBitcoinProvider({ wallet, network, node, confirmFee, error: rpcError })
  const told = { changed: (accounts: unknown) => made.changed(accountsOf(accounts)), gone: () => {} }
  return made.provider
}
