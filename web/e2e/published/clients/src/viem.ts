import { createProvider } from 'imkey-connect'
import { type Address, createPublicClient, createWalletClient, custom, http } from 'viem'
import { type Client, definition, typedData } from './client'
import { options } from './options'

export function client(): Client {
  const wallet = createWalletClient({ chain: definition, transport: custom(createProvider(options)) })
  const node = createPublicClient({ chain: definition, transport: http(), pollingInterval: 50 })
  let account: Address
  return {
    accounts: async () => {
      const all = await wallet.requestAddresses()
      account = all[0]!
      return all
    },
    signMessage: (message) => wallet.signMessage({ account, message }),
    signTypedData: () => wallet.signTypedData({ account, ...typedData }),
    send: async (to, wei) => {
      const hash = await wallet.sendTransaction({ account, to: to as Address, value: BigInt(wei) })
      const { from, status } = await node.waitForTransactionReceipt({ hash })
      return { hash, from, status }
    },
    batch: async (to, weis) => {
      const calls = weis.map((wei) => ({ to: to as Address, value: BigInt(wei) }))
      const { id } = await wallet.sendCalls({ account, calls })
      const { statusCode, receipts } = await wallet.waitForCallsStatus({ id, pollingInterval: 50 })
      return { statusCode, hashes: receipts!.map(({ transactionHash }) => transactionHash) }
    },
  }
}
