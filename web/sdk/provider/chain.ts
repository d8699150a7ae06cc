import type { ChainOptions } from '../types/imkey'

/** Chain is one chain as it was checked. */
export interface Chain {
  readonly id: number
  readonly rpcUrls: readonly string[]
  readonly webSocketUrl?: string
  readonly nativeCurrency: { readonly symbol: string; readonly decimals: number }
  /** In the chain's smallest units. */
  readonly maxFee?: bigint
}

/** readChain checks a chain's description. It throws a sentence, for the caller to make an error of. */
export function readChain(chain: ChainOptions): Chain {
  if (typeof chain !== 'object' || chain === null) throw 'a chain is no object'
  const { rpcUrls, webSocketUrl, nativeCurrency = { symbol: 'ETH', decimals: 18 }, maxFee } = chain
  const id = readChainId(chain.chainId)
  if (!Array.isArray(rpcUrls) || rpcUrls.length === 0 || !rpcUrls.every(url => isAddress(url, 'http'))) {
    throw `the rpcUrls of chain ${id} are no list of addresses that begin with https:// (http:// for this very machine)`
  }
  if (webSocketUrl !== undefined && !isAddress(webSocketUrl, 'ws')) {
    throw `the webSocketUrl of chain ${id} does not begin with wss:// (ws:// for this very machine)`
  }
  const { symbol, decimals } = Object(nativeCurrency) as { symbol: unknown; decimals: unknown }
  // Amounts on the device's screen depend on the decimals, and no chain of the EVM has others.
  if (!isSymbol(symbol) || decimals !== 18) {
    throw `the nativeCurrency of chain ${id} needs a symbol of 1 to 11 printable ASCII characters without spaces, and 18 decimals`
  }
  if (maxFee !== undefined && !(typeof maxFee === 'bigint' && maxFee >= 0n)) throw `the maxFee of chain ${id} is no bigint from 0n on`
  return {
    id, rpcUrls: [...rpcUrls], nativeCurrency: { symbol, decimals },
    ...(webSocketUrl !== undefined && { webSocketUrl }),
    ...(maxFee !== undefined && { maxFee }),
  }
}

/** readChainId reads a number, or EIP-695's form: 0x and hex digits without a leading zero. */
export function readChainId(value: unknown): number {
  const id = typeof value === 'string' && /^0x[1-9a-f][0-9a-f]*$/i.test(value) ? Number(value) : value
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id
  throw 'a chainId is neither a whole number from 1 on nor such a number in hex, as in "0x1"'
}

/** isSymbol has the rule that the signing core has, so that what is accepted here can be signed. */
const isSymbol = (value: unknown): value is string => typeof value === 'string' && /^[!-~]{1,11}$/.test(value)

/** isAddress takes what is encrypted, and without encryption what does not leave this machine. */
function isAddress(value: unknown, scheme: 'http' | 'ws'): boolean {
  let url: URL
  try {
    url = new URL(value as string)
  } catch {
    return false
  }
  return url.protocol === `${scheme}s:`
    || (url.protocol === `${scheme}:` && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
}
