// The page does nothing by itself: the test calls what is here.

import { loadImKey } from 'imkey-connect'
import { type Address, type Hex, verifyMessage, verifyTypedData } from 'viem'
import { type Client, typedData } from './client'
import { simulated } from './options'

const clients: Record<string, () => Promise<{ client(): Client | Promise<Client> }>> = {
  viem: () => import('./viem'),
  ethers: () => import('./ethers'),
  wagmi: () => import('./wagmi'),
  discovered: () => import('./discovered'),
}

const page = {
  client: async (name: string) => (await clients[name]!()).client(),
  discover: async (order: 'store first' | 'provider first') => (await import('./mipd')).discover(order),
  verifyMessage: (address: Address, message: string, signature: Hex) => verifyMessage({ address, message, signature }),
  verifyTypedData: (address: Address, signature: Hex) => verifyTypedData({ address, signature, ...typedData }),
  /** Shows the code on the device, and gives what takes it. */
  pair: async () => {
    const [device] = await (await loadImKey(simulated)).getDevices()
    await device!.open()
    await device!.showBindingCode()
    return async (code: string) => {
      await device!.bind(code)
      await device!.close()
    }
  },
}
Object.assign(globalThis, { page })
