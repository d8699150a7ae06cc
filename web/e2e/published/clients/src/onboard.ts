// The site gives web3-onboard the wallet module. The user picks imKey from its list, and viem works with the provider that it returns.

import init, { type OnboardAPI, type WalletState } from '@web3-onboard/core'
import { imKey } from 'imkey-connect/keyring'
import { type Address, createPublicClient, createWalletClient, custom, http } from 'viem'
import { type Client, chain, definition, rpc, typedData } from './client'
import { simulated } from './options'

/** Another chain of the site, with the same node. The test only switches to it and back. */
const other = { id: '0x2', token: 'TWO', label: 'another', rpcUrl: rpc() }
const id = `0x${Number(chain()).toString(16)}` as const

export interface OnboardClient extends Client {
  /** The state of the connected wallet in web3-onboard. */
  state(): { label: string; accounts: string[]; chain: string; icon: string }
  switchTo(id: string): Promise<boolean>
  disconnect(): Promise<{ wallets: number; accounts: readonly string[]; connected: boolean }>
}

export function client(): OnboardClient {
  const onboard: OnboardAPI = init({
    wallets: [imKey({ ...simulated })],
    chains: [{ id, token: 'ETH', label: 'test', rpcUrl: rpc() }, other],
    connect: { showSidebar: false, autoConnectLastWallet: false },
    accountCenter: { desktop: { enabled: false }, mobile: { enabled: false } },
    disableFontDownload: true,
  })
  let connected: WalletState
  let account: Address
  const wallet = () => createWalletClient({ chain: definition, transport: custom(connected.provider) })
  const node = createPublicClient({ chain: definition, transport: http(), pollingInterval: 50 })
  return {
    accounts: async () => {
      await shown((root) => !root.querySelector('.modal')) // the dialog before may still be closing
      const connecting = onboard.connectWallet()
      const choice = await shown((root) =>
        [...root.querySelectorAll('button')].find(({ textContent, disabled }) => textContent.includes('imKey') && !disabled),
      )
      choice.click()
      connected = (await connecting)[0]!
      account = connected.accounts[0]!.address
      return connected.accounts.map(({ address }) => address)
    },
    signMessage: (message) => wallet().signMessage({ account, message }),
    signTypedData: () => wallet().signTypedData({ account, ...typedData }),
    send: async (to, wei) => {
      const hash = await wallet().sendTransaction({ account, to: to as Address, value: BigInt(wei) })
      const { from, status } = await node.waitForTransactionReceipt({ hash })
      return { hash, from, status }
    },

    state: () => {
      const [{ label, accounts, chains, icon }] = onboard.state.get().wallets as [WalletState]
      return { label, accounts: accounts.map(({ address }) => address), chain: chains[0]!.id, icon }
    },
    switchTo: (chainId) => onboard.setChain({ chainId }),
    disconnect: async () => {
      const { provider } = connected
      const gone = new Promise<void>((resolve) => provider.on('accountsChanged', () => resolve()))
      const wallets = await onboard.disconnectWallet({ label: connected.label })
      await gone
      return {
        wallets: wallets.length,
        accounts: await provider.request({ method: 'eth_accounts' }),
        connected: (provider as any).isConnected(),
      }
    },
  }
}

/** shown waits until web3-onboard shows something: until look gives it. */
function shown<T>(look: (root: ShadowRoot) => T | undefined): Promise<NonNullable<T>> {
  const root = document.querySelector('onboard-v2')!.shadowRoot!
  return new Promise((resolve) => {
    const check = () => {
      const found = look(root)
      if (!found) return
      observer.disconnect()
      resolve(found)
    }
    const observer = new MutationObserver(check)
    observer.observe(root, { childList: true, subtree: true, attributes: true, characterData: true })
    check()
  })
}
