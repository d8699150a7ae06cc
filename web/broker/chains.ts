import type { Chain } from '../sdk/provider/chain'
import type { ChainFacts } from '../sdk/provider/review'
import type { ChainOptions } from '../sdk/types/imkey'

/** The chains that a request screen knows by name: the chain's id, its name, and its coin if that is not ETH. */
const known: readonly (readonly [number, string, string?])[] = [
  [1, 'Ethereum'],
  [10, 'OP Mainnet'],
  [25, 'Cronos', 'CRO'],
  [56, 'BNB Smart Chain', 'BNB'],
  [61, 'Ethereum Classic', 'ETC'],
  [97, 'BNB Smart Chain Testnet', 'tBNB'],
  [100, 'Gnosis', 'xDAI'],
  [130, 'Unichain'],
  [137, 'Polygon', 'POL'],
  [143, 'Monad', 'MON'],
  [146, 'Sonic', 'S'],
  [204, 'opBNB', 'BNB'],
  [250, 'Fantom', 'FTM'],
  [324, 'ZKsync Era'],
  [480, 'World Chain'],
  [999, 'HyperEVM', 'HYPE'],
  [1088, 'Metis', 'METIS'],
  [1135, 'Lisk'],
  [1284, 'Moonbeam', 'GLMR'],
  [1868, 'Soneium'],
  [5000, 'Mantle', 'MNT'],
  [8453, 'Base'],
  [34443, 'Mode'],
  [42161, 'Arbitrum One'],
  [42170, 'Arbitrum Nova'],
  [42220, 'Celo', 'CELO'],
  [43113, 'Avalanche Fuji', 'AVAX'],
  [43114, 'Avalanche C-Chain', 'AVAX'],
  [57073, 'Ink'],
  [59144, 'Linea'],
  [80002, 'Polygon Amoy', 'POL'],
  [80094, 'Berachain', 'BERA'],
  [81457, 'Blast'],
  [84532, 'Base Sepolia'],
  [167000, 'Taiko'],
  [421614, 'Arbitrum Sepolia'],
  [534352, 'Scroll'],
  [560048, 'Hoodi'],
  [7777777, 'Zora'],
  [11155111, 'Sepolia'],
  [11155420, 'OP Sepolia'],
]

/** chainName gives the name of a chain that this library knows. */
export const chainName = (id: number): string | undefined => known.find(([each]) => each === id)?.[1]

/** chainFacts says what a screen shows of a chain. names has the names that sites gave, which count only where this library has none. */
export function chainFacts(chain: Chain, names: WeakMap<Chain, string>): ChainFacts {
  const { id, nativeCurrency, nodes } = chain
  const own = known.find(([each]) => each === id)
  const [node] = nodes
  const name = own?.[1] ?? names.get(chain)
  return {
    id,
    ...(name !== undefined && { name }),
    nativeCurrency: own ? { symbol: own[2] ?? 'ETH', decimals: 18 } : nativeCurrency,
    known: own !== undefined,
    ...(node && URL.canParse(node.url) && { node: new URL(node.url).host }),
  }
}

/** nameOf gives the name that a site gives to a chain, if it is one that can be shown in a line. */
export function nameOf({ chainName }: ChainOptions): string | undefined {
  return typeof chainName === 'string' && /^[\p{L}\p{N}\p{P}\p{S} ]{1,64}$/u.test(chainName) ? chainName : undefined
}
