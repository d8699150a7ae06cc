// wagmi as sites use it: with React, its hooks, and the connector of imkey-connect.

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { imKey } from 'imkey-connect/wagmi'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import type { Address } from 'viem'
import { useConnect, useConnectors, useSendCalls, useSendTransaction, useSignMessage, useSignTypedData, WagmiProvider } from 'wagmi'
import { waitForCallsStatus, waitForTransactionReceipt } from 'wagmi/actions'
import { type Client, typedData } from './client'
import { config } from './config'
import { simulated } from './options'

export function client(): Promise<Client> {
  const wagmi = config([imKey(simulated)])
  return new Promise((resolve) => {
    function Site() {
      const [connector] = useConnectors()
      const connect = useConnect()
      const message = useSignMessage()
      const document = useSignTypedData()
      const transaction = useSendTransaction()
      const batch = useSendCalls()
      resolve({
        accounts: async () => (await connect.mutateAsync({ connector: connector! })).accounts,
        signMessage: (text) => message.mutateAsync({ message: text }),
        signTypedData: () => document.mutateAsync(typedData),
        send: async (to, wei) => {
          const hash = await transaction.mutateAsync({ to: to as Address, value: BigInt(wei) })
          const { from, status } = await waitForTransactionReceipt(wagmi, { hash })
          return { hash, from, status }
        },
        batch: async (to, weis) => {
          const { id } = await batch.mutateAsync({ calls: weis.map((wei) => ({ to: to as Address, value: BigInt(wei) })) })
          const { statusCode, receipts } = await waitForCallsStatus(wagmi, { id, pollingInterval: 50 })
          return { statusCode, hashes: receipts!.map(({ transactionHash }) => transactionHash) }
        },
      })
      return null
    }
    createRoot(globalThis.document.body).render(
      createElement(
        WagmiProvider,
        { config: wagmi },
        createElement(QueryClientProvider, { client: new QueryClient() }, createElement(Site)),
      ),
    )
  })
}
