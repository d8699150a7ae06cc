// The signer for cosmjs of a page: with the device in the page, or with a connector's window. It does not depend on cosmjs.

import type { Device } from 'imkey-connect'
import { brokerCosmos, bytesOf, cosmosAccountsOf, type CosmosWallet, type KnownAccount, makeCosmosSigner } from '../coins/cosmos'
import { standing } from '../provider/standing'
import type { CosmosSigner, CosmosSignerOptions } from '../types/cosmos'
import { connecting } from './connecting'
import { opening, rpcError } from './opening'

export { announceCosmosProvider, onCosmosProvider } from '../coins/cosmos'

export function createCosmosSigner(options: CosmosSignerOptions = {}): CosmosSigner {
  const { prefix = 'cosmos', paths: given = ["m/44'/118'/0'/0/0"], pairing = 'dialog', connector, onInteraction, ...load } = options
  if (typeof prefix !== 'string') throw new TypeError('prefix is not a string')
  if (!Array.isArray(given) || given.length === 0 || given.some((path) => typeof path !== 'string')) {
    throw new TypeError('paths is not a list of paths')
  }
  const paths = [...(given as readonly string[])]

  function inPage(): CosmosWallet {
    const { use } = opening({ load, pairing, gone: () => {}, onInteraction })
    const signs = async <T>(
      account: KnownAccount,
      sign: (device: Device, by: { path: string; prefix: string; from: string }) => Promise<T>,
    ) => use(false, (device) => sign(device, { path: account.path, prefix, from: account.address, ...standing }))
    return {
      connect: () =>
        use(true, async (device) => {
          const read: KnownAccount[] = []
          for (const path of paths) {
            const { address, publicKey } = await device.cosmos.getAccount({ path, prefix, ...standing })
            read.push({ path, address, algo: 'secp256k1', pubkey: bytesOf(publicKey) })
          }
          return read
        }),
      signAmino: (document, account) =>
        signs(account, async ({ cosmos }, by) => {
          const { signed, signature } = await cosmos.signAmino(document, by)
          return { signed, signature }
        }),
      signDirect: (document, account) => signs(account, async ({ cosmos }, by) => (await cosmos.signDirect(document, by)).signature),
    }
  }

  const wallet =
    connector === undefined
      ? inPage()
      : brokerCosmos(
          connecting(connector, 'cosmos', () => told),
          prefix,
        )
  const made = makeCosmosSigner(wallet, rpcError)
  const told = { changed: (accounts: unknown) => made.changed(cosmosAccountsOf(accounts)), gone: () => {} }
  return made.signer
}
