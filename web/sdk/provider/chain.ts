import type { ChainOptions } from '../types/imkey'

/** Chain is a chain whose description was checked. */
export interface Chain {
  readonly id: number
  readonly rpcUrls: readonly string[]
  readonly webSocketUrl?: string
  readonly nativeCurrency: { readonly symbol: string; readonly decimals: number }
  /** The highest fee that a node may cause, in the chain's smallest units. */
  readonly maxFee?: bigint
}

/** readChain checks the description of a chain. It throws a sentence, from which the caller makes an error. */
export function readChain(chain: ChainOptions): Chain {
  if (typeof chain !== 'object' || chain === null) throw 'a chain is not an object'
  const { rpcUrls, webSocketUrl, nativeCurrency = { symbol: 'ETH', decimals: 18 }, maxFee } = chain
  const id = readChainId(chain.chainId)
  if (!Array.isArray(rpcUrls) || rpcUrls.length === 0 || !rpcUrls.every((url) => isAddress(url, 'http'))) {
    throw `the rpcUrls of chain ${id} are not a list of addresses that begin with https:// (or http:// on this machine)`
  }
  if (webSocketUrl !== undefined && !isAddress(webSocketUrl, 'ws')) {
    throw `the webSocketUrl of chain ${id} does not begin with wss:// (or ws:// on this machine)`
  }
  const { symbol, decimals } = Object(nativeCurrency) as { symbol: unknown; decimals: unknown }
  // The device's screen shows amounts with these decimals, and every EVM chain has 18.
  if (!isSymbol(symbol) || decimals !== 18) {
    throw `the nativeCurrency of chain ${id} needs a symbol of 1 to 11 printable ASCII characters without spaces, and 18 decimals`
  }
  if (maxFee !== undefined && !(typeof maxFee === 'bigint' && maxFee >= 0n)) throw `the maxFee of chain ${id} is not a bigint of 0n or more`
  return {
    id,
    rpcUrls: [...rpcUrls],
    nativeCurrency: { symbol, decimals },
    ...(webSocketUrl !== undefined && { webSocketUrl }),
    ...(maxFee !== undefined && { maxFee }),
  }
}

/** readChainId reads a number, or a string in the form of EIP-695: 0x and hex digits without a leading zero. */
export function readChainId(value: unknown): number {
  const id = typeof value === 'string' && /^0x[1-9a-f][0-9a-f]*$/i.test(value) ? Number(value) : value
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id
  throw 'a chainId is neither a whole number from 1 on nor such a number in hex, as in "0x1"'
}

/** isSymbol applies the same rule as core, so that every symbol that is accepted here can be signed. */
const isSymbol = (value: unknown): value is string => typeof value === 'string' && /^[!-~]{1,11}$/.test(value)

/** isAddress accepts encrypted connections, and plain ones to this machine. */
function isAddress(value: unknown, scheme: 'http' | 'ws'): boolean {
  let url: URL
  try {
    url = new URL(value as string)
  } catch {
    return false
  }
  return (
    url.protocol === `${scheme}s:` ||
    (url.protocol === `${scheme}:` && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
  )
}
