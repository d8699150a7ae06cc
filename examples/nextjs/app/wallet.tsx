'use client'

import { createProvider } from 'imkey-connect'
import { type FormEvent, useState } from 'react'
import { type Address, BaseError, createWalletClient, custom } from 'viem'
import { mainnet } from 'viem/chains'

// The server renders this component, too. That is safe: createProvider uses the browser only when a request comes.
const provider = createProvider({ chains: [{ chainId: mainnet.id, rpcUrls: mainnet.rpcUrls.default.http }] })
const client = createWalletClient({ chain: mainnet, transport: custom(provider) })

export function Wallet() {
  const [account, setAccount] = useState<Address>()
  const [status, setStatus] = useState('')

  async function show(action: () => Promise<string>) {
    try {
      setStatus(await action())
    } catch (error) {
      setStatus(error instanceof BaseError ? error.details || error.shortMessage : String(error))
    }
  }

  // requestAddresses may open the browser's chooser, so it needs a click. Then a dialog asks for the binding code.
  const connect = () =>
    show(async () => {
      const [address] = await client.requestAddresses()
      setAccount(address)
      return address
    })

  function sign(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const message = new FormData(event.currentTarget).get('message') as string
    show(() => client.signMessage({ account: account!, message }))
  }

  return (
    <>
      {account ? (
        <form onSubmit={sign}>
          <label>
            Message <input name="message" defaultValue="Hello" />
          </label>
          <button>Sign</button>
        </form>
      ) : (
        <button onClick={connect}>Connect imKey</button>
      )}
      <p role="status">{status}</p>
    </>
  )
}
