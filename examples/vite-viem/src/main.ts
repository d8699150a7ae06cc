import { createProvider } from 'imkey-connect'
import { type Address, BaseError, createWalletClient, custom } from 'viem'
import { mainnet } from 'viem/chains'

const provider = createProvider({ chains: [{ chainId: mainnet.id, rpcUrls: mainnet.rpcUrls.default.http }] })
const client = createWalletClient({ chain: mainnet, transport: custom(provider) })

const connect = document.querySelector<HTMLButtonElement>('#connect')!
const sign = document.querySelector<HTMLFormElement>('#sign')!
const status = document.querySelector<HTMLParagraphElement>('#status')!
let account: Address

// requestAddresses may open the browser's chooser, so it needs a click. Then a dialog asks for the binding code.
connect.addEventListener('click', () =>
  show(async () => {
    const [address] = await client.requestAddresses()
    account = address
    sign.hidden = false
    return address
  }),
)

sign.addEventListener('submit', (event) => {
  event.preventDefault()
  const message = new FormData(sign).get('message') as string
  show(() => client.signMessage({ account, message }))
})

async function show(action: () => Promise<string>) {
  try {
    status.textContent = await action()
  } catch (error) {
    status.textContent = error instanceof BaseError ? error.details || error.shortMessage : String(error)
  }
}
