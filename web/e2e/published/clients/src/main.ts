// The page does nothing by itself: the test calls these functions.

import { type Address, type Hex, verifyMessage, verifyTypedData } from 'viem'
import { type Client, typedData } from './client'

const clients: Record<string, () => Promise<{ client(): Client | Promise<Client> }>> = {
  viem: () => import('./viem'),
  ethers: () => import('./ethers'),
  wagmi: () => import('./wagmi'),
  discovered: () => import('./discovered'),
  onboard: () => import('./onboard'),
}

const page = {
  client: async (name: string) => (await clients[name]!()).client(),
  discover: async (order: 'store first' | 'provider first') => (await import('./mipd')).discover(order),
  verifyMessage: (address: Address, message: string, signature: Hex) => verifyMessage({ address, message, signature }),
  verifyTypedData: (address: Address, signature: Hex) => verifyTypedData({ address, signature, ...typedData }),
}
Object.assign(globalThis, { page })
