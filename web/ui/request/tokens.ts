// Tokens and contracts that are known by their address, so that no site has to say what they are.

/** Token is the unit of a token. */
export interface Token {
  readonly symbol: string
  readonly decimals: number
}

/** The known tokens: chain id, address, symbol, decimals. Each is a token of ERC-20 and no collection of NFTs. */
const tokens = `
1 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 USDC 6
1 0xdAC17F958D2ee523a2206206994597C13D831ec7 USDT 6
1 0x6B175474E89094C44Da98b954EedeAC495271d0F DAI 18
1 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 WETH 18
1 0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599 WBTC 8
1 0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984 UNI 18
1 0x514910771AF9Ca656af840dff83E8264EcF986CA LINK 18
1 0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84 stETH 18
137 0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 USDC 6
137 0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174 USDC.e 6
137 0xc2132D05D31c914a87C6611C10748AEb04B58e8F USDT 6
42161 0xaf88d065e77c8cC2239327C5EDb3A432268e5831 USDC 6
42161 0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9 USDT 6
42161 0x82aF49447D8a07e3bd95BD0d56f35241523fBab1 WETH 18
10 0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85 USDC 6
10 0x94b008aA00579c1307B0EF2c499aD98a8ce58e58 USDT 6
10 0x4200000000000000000000000000000000000006 WETH 18
8453 0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913 USDC 6
8453 0x4200000000000000000000000000000000000006 WETH 18
56 0x55d398326f99059fF775485246999027B3197955 USDT 18
56 0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d USDC 18
`

const byPlace = new Map(
  tokens
    .trim()
    .split('\n')
    .map((line): [string, Token] => {
      const [chain, address, symbol, decimals] = line.split(' ') as [string, string, string, string]
      return [`${chain} ${address.toLowerCase()}`, { symbol, decimals: Number(decimals) }]
    }),
)

/** tokenAt returns the token at an address, if it is known. */
export const tokenAt = (chain: bigint | undefined, address: string): Token | undefined => byPlace.get(`${chain} ${address.toLowerCase()}`)

/** The addresses of the known tokens, for tests. */
export const tokenAddresses = tokens.match(/0x[0-9a-fA-F]{40}/g)!

/** Contracts that have the same address on every chain: their factory makes the address from their code. */
const contracts: Readonly<Record<string, string>> = {
  '0x000000000022d473030f116ddee9f6b43ac78ba3': 'Permit2',
  '0x00000000006c3852cbef3e08e8df289169ede581': 'Seaport 1.1',
  '0x00000000000001ad428e4906ae43d8f9852d0dd6': 'Seaport 1.4',
  '0x00000000000000adc04c56bf30ac9d3c0aaf14dc': 'Seaport 1.5',
  '0x0000000000000068f116a894984e2db1123eb395': 'Seaport 1.6',
  '0xca11bde05977b3631167028862be2a173976ca11': 'Multicall3',
}

/** contractAt returns the name of a contract, if it is known. */
export const contractAt = (address: string): string | undefined => {
  const lower = address.toLowerCase()
  return Object.hasOwn(contracts, lower) ? contracts[lower] : undefined
}

/** The smallest approval that has no limit in practice, as core counts: 2^96 - 1. */
export const unlimitedFrom = 2n ** 96n - 1n

/** formatUnits writes an amount exactly, with commas between thousands: 1,234.5. */
export function formatUnits(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',')
  const fraction = decimals === 0 ? '' : digits.slice(-decimals).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}
