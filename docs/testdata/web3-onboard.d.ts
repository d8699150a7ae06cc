// As much of web3-onboard as the documents use. TestClients runs the wallet module on web3-onboard itself.

declare module '@web3-onboard/core' {
  import type { OnboardModule } from 'imkey-connect/keyring'
  export default function init(options: {
    wallets: (() => OnboardModule)[]
    chains: { id: number; token: string; label: string; rpcUrl: string }[]
  }): unknown
}
