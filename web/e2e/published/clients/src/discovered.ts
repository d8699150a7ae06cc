// The site does not configure imKey: wagmi's core finds its provider, which announces itself by EIP-6963.

import { connect, getConnectors, sendTransaction, signMessage, signTypedData, waitForTransactionReceipt } from '@wagmi/core'
import { announceProvider, createProvider } from 'imkey-connect'
import type { Address } from 'viem'
import { type Client, typedData } from './client'
import { config } from './config'
import { options } from './options'

export function client(): Client {
  announceProvider(createProvider(options)) // createConfig asks for announced providers
  const wagmi = config([])
  return {
    accounts: async () => {
      const [connector] = getConnectors(wagmi).filter(({ id }) => id === 'im.imkey')
      return (await connect(wagmi, { connector: connector! })).accounts
    },
    signMessage: (message) => signMessage(wagmi, { message }),
    signTypedData: () => signTypedData(wagmi, typedData),
    send: async (to, wei) => {
      const hash = await sendTransaction(wagmi, { to: to as Address, value: BigInt(wei) })
      const { from, status } = await waitForTransactionReceipt(wagmi, { hash })
      return { hash, from, status }
    },
  }
}
