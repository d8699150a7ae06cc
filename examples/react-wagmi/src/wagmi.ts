import { imKey } from 'imkey-connect/wagmi'
import { createConfig, http } from 'wagmi'
import { mainnet } from 'wagmi/chains'

export const config = createConfig({
  chains: [mainnet],
  connectors: [imKey()],
  transports: { [mainnet.id]: http() },
})

declare module 'wagmi' {
  interface Register {
    config: typeof config
  }
}
