import type { ChainOptions, UnusableChain } from '../types/imkey'

/** Chain is a chain whose description was checked. */
export interface Chain {
  readonly id: number
  readonly name?: string
  readonly nodes: readonly NodeAddress[]
  readonly webSocketUrl?: string
  readonly nativeCurrency: { readonly symbol: string; readonly decimals: number }
  /** The highest fee that a node may cause, in the chain's smallest units. */
  readonly maxFee?: bigint
}

/** NodeAddress is where a node is asked, and with which headers. The url is relative only where no page could resolve it. */
export interface NodeAddress {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether a redirection to another address is an error. */
  readonly fixed?: boolean
}

/** plain is the function of that name in hex.ts, which would make a second file of imkey.js. */
const plain = <T extends object>(fields: T): T => Object.assign(Object.create(null) as T, fields)

/** readChain checks the description of a chain. It throws a sentence, from which the caller makes an error. */
export function readChain(chain: ChainOptions): Chain {
  if (typeof chain !== 'object' || chain === null) throw 'a chain is not an object'
  const { chainName: name, rpcUrls, webSocketUrl, nativeCurrency = { symbol: 'ETH', decimals: 18 }, maxFee } = chain
  const id = readChainId(chain.chainId)
  if (!Array.isArray(rpcUrls) || rpcUrls.length === 0) throw `the rpcUrls of chain ${id} are not a list of addresses`
  const nodes = readNodes(rpcUrls, id)
  const socket = webSocketUrl == null ? undefined : readAddress(webSocketUrl, 'ws', `the webSocketUrl of chain ${id}`)
  const { symbol, decimals } = Object(nativeCurrency) as { symbol: unknown; decimals: unknown }
  // The device's screen shows amounts with these decimals, and every EVM chain has 18.
  if (!isSymbol(symbol) || decimals !== 18) {
    throw `the nativeCurrency of chain ${id} needs a symbol of 1 to 11 printable ASCII characters without spaces, and 18 decimals`
  }
  if (maxFee != null && !(typeof maxFee === 'bigint' && maxFee >= 0n)) throw `the maxFee of chain ${id} is not a bigint of 0n or more`
  // Without a prototype: what the chain lacks is not what a script has added to Object.prototype.
  return plain<Chain>({
    id,
    nodes,
    nativeCurrency: { symbol, decimals },
    ...(typeof name === 'string' && { name }),
    ...(socket !== undefined && { webSocketUrl: socket }),
    ...(maxFee != null && { maxFee }),
  })
}

/**
 * readChains checks a list of chains. It tells those that cannot be used from the others, so that one odd chain does not spoil a list. Of
 * two with the same id, the first one counts.
 */
export function readChains(list: readonly ChainOptions[]): { usable: Chain[]; unusable: UnusableChain[] } {
  const usable: Chain[] = []
  const unusable: UnusableChain[] = []
  for (const chain of list) {
    try {
      const read = readChain(chain)
      if (usable.some(({ id }) => id === read.id)) throw `another chain of the list has the id ${read.id}`
      usable.push(read)
    } catch (sentence) {
      const { chainId, chainName } = Object(chain) as Record<string, unknown>
      unusable.push({
        ...((typeof chainId === 'number' || typeof chainId === 'string') && { chainId }),
        ...(typeof chainName === 'string' && { chainName }),
        reason: String(sentence),
      })
    }
  }
  return { usable, unusable }
}

/** readChainId reads a number, or a string in the form of EIP-695: 0x and hex digits without a leading zero. */
export function readChainId(value: unknown): number {
  const id = typeof value === 'string' && /^0x[1-9a-f][0-9a-f]*$/i.test(value) ? Number(value) : value
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id
  throw 'a chainId is neither a whole number from 1 on nor such a number in hex, as in "0x1"'
}

/** isSymbol applies the same rule as core, so that every symbol that is accepted here can be signed. */
const isSymbol = (value: unknown): value is string => typeof value === 'string' && /^[!-~]{1,11}$/.test(value)

/** readNodes leaves out the addresses that cannot be asked, such as wss:// ones, if there are others. */
function readNodes(rpcUrls: readonly unknown[], id: number): NodeAddress[] {
  const nodes: NodeAddress[] = []
  const whys: unknown[] = []
  for (const node of rpcUrls) {
    try {
      nodes.push(readNode(node, id))
    } catch (why) {
      whys.push(why)
    }
  }
  if (nodes.length === 0) throw whys[0]
  for (const why of whys) console.warn(`imkey-connect: an address is left out, because ${String(why)}`)
  return nodes
}

function readNode(value: unknown, id: number): NodeAddress {
  const given = typeof value === 'string' ? { url: value } : { ...(Object(value) as { url: unknown; headers?: unknown }) }
  const { url, headers } = plain<{ url: unknown; headers?: unknown }>(given)
  const node = plain<NodeAddress>({ url: readAddress(url, 'http', `an address in the rpcUrls of chain ${id}`) })
  if (headers === undefined || headers === null) return node
  try {
    return plain({ ...node, headers: Object.fromEntries(new Headers(headers as HeadersInit)) })
  } catch {
    throw `the headers of a node of chain ${id} are not names and values that HTTP allows` // without the values, which may be secret
  }
}

/**
 * readAddress gives an address that may be asked: an encrypted one, a plain one on this machine, or, with a warning, a plain one on a
 * private network. An address such as /rpc/1 is resolved against the page or the worker. Where there is neither, as on a server that
 * renders a page, it stays as it is. what names the address in the sentence that is thrown for any other.
 */
export function readAddress(value: unknown, scheme: 'http' | 'ws', what: string): string {
  const relative = isRelative(value)
  const base = relative ? (globalThis.document?.baseURI ?? globalThis.location?.href) : undefined
  if (relative && base === undefined) return value
  try {
    const url = new URL(value as string, base)
    if (relative && scheme === 'ws') url.protocol = url.protocol.replace('http', 'ws')
    const plain = url.protocol === `${scheme}:`
    const near = plain && privateNetwork.test(url.hostname)
    if (near)
      console.warn(`imkey-connect: ${url.host} is asked without encryption. Others on that network can read and change its answers.`)
    if (near || url.protocol === `${scheme}s:` || (plain && thisMachine.test(url.hostname))) return relative ? url.href : (value as string)
  } catch {
    // it is no address
  }
  throw `${what} does not begin with ${scheme}s:// (or ${scheme}:// on this machine or a private network)`
}

/** isRelative says whether readAddress resolves an address against the page. */
export const isRelative = (value: unknown): value is string => typeof value === 'string' && /^\.{0,2}\//.test(value)

// URL has brought every spelling of an IP address into one form.
const thisMachine = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/
const privateNetwork = /^(10(\.\d+){3}|172\.(1[6-9]|2\d|3[01])(\.\d+){2}|192\.168(\.\d+){2}|.+\.local|\[f[cd].+\]|\[fe[89ab].+\])$/

/**
 * readConnector gives the address of a connector's page: /connect, if it is given as an origin. It throws a sentence for an address that is
 * not encrypted, or that is this site's own: then the binding is this site's, and needs no connector.
 */
export function readConnector(value: unknown): string {
  const url = new URL(readAddress(String(value), 'http', 'connector'))
  if (url.origin === globalThis.location?.origin) throw 'connector is on this origin: leave it out to bind the device here'
  if (privateNetwork.test(url.hostname) && url.protocol === 'http:') throw 'connector does not begin with https://'
  if (url.pathname === '/') url.pathname = '/connect'
  url.hash = ''
  return url.href
}
