import type { ChainOptions } from 'imkey-connect'

const chain = (chainId: number, chainName: string, symbol: string, ...rpcUrls: readonly string[]): ChainOptions => ({
  chainId,
  chainName,
  rpcUrls,
  nativeCurrency: { symbol, decimals: 18 },
})

/** The chains that a site finds without adding them. Their nodes are public and take requests from extensions. */
export const chains: readonly ChainOptions[] = [
  chain(1, 'Ethereum', 'ETH', 'https://ethereum-rpc.publicnode.com', 'https://eth.drpc.org'),
  chain(10, 'OP Mainnet', 'ETH', 'https://mainnet.optimism.io', 'https://optimism-rpc.publicnode.com'),
  chain(56, 'BNB Smart Chain', 'BNB', 'https://bsc-dataseed.bnbchain.org', 'https://bsc-rpc.publicnode.com'),
  chain(100, 'Gnosis', 'xDAI', 'https://rpc.gnosischain.com', 'https://gnosis-rpc.publicnode.com'),
  chain(137, 'Polygon', 'POL', 'https://polygon-bor-rpc.publicnode.com', 'https://polygon.drpc.org'),
  chain(8453, 'Base', 'ETH', 'https://mainnet.base.org', 'https://base-rpc.publicnode.com'),
  chain(42161, 'Arbitrum One', 'ETH', 'https://arb1.arbitrum.io/rpc', 'https://arbitrum-one-rpc.publicnode.com'),
  chain(43114, 'Avalanche C-Chain', 'AVAX', 'https://api.avax.network/ext/bc/C/rpc', 'https://avalanche-c-chain-rpc.publicnode.com'),
  chain(11155111, 'Sepolia', 'ETH', 'https://ethereum-sepolia-rpc.publicnode.com', 'https://sepolia.drpc.org'),
]
