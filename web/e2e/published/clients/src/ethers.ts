import { BrowserProvider, type JsonRpcSigner, type TypedDataField } from 'ethers'
import { createProvider } from 'imkey-connect'
import { type Client, typedData } from './client'
import { options } from './options'

export function client(): Client {
  const provider = new BrowserProvider(createProvider(options), undefined, { pollingInterval: 50 })
  let signer: JsonRpcSigner
  return {
    accounts: async () => {
      signer = await provider.getSigner()
      return [signer.address]
    },
    signMessage: (message) => signer.signMessage(message),
    signTypedData: () => signer.signTypedData(typedData.domain, mutable(typedData.types), typedData.message),
    send: async (to, wei) => {
      const sent = await signer.sendTransaction({ to, value: BigInt(wei) })
      const receipt = await sent.wait()
      return { hash: receipt!.hash, from: receipt!.from, status: receipt!.status === 1 ? 'success' : 'reverted' }
    },
  }
}

/** mutable copies the types, since ethers declares them as mutable. */
function mutable(types: Record<string, readonly TypedDataField[]>): Record<string, TypedDataField[]> {
  return Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, [...fields]]))
}
