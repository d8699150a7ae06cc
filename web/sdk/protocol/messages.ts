// The messages between a site and a broker: docs/messages.md describes them. Both sides check what they get, by the schemas here.

import { either, exactly, json, list, object, type Of, type Schema, table, text, variants, whole } from './schema'

/**
 * The version of the protocol. A broker answers with the lower one of its own and the client's, and both use that. Version 2 has coins besides
 * Ethereum: the field coin.
 */
export const version = 2

/** The longest message to a broker, in UTF-16 units of its JSON. */
export const mostToBroker = 256 * 1024

/** The longest message to a site. A node's answer may be 8 MB. */
export const mostToSite = 16 * 1024 * 1024

/** The most nodes that a chain has. */
export const mostNodes = 16

/** The most of what else a chain has. */
const most = { address: 2048, headers: 32, headerName: 256, headerValue: 8192, symbol: 11, name: 64, maxFee: 66 }

const id = whole(1, Number.MAX_SAFE_INTEGER)
const address = text(most.address)
const values = json(100)
const node = either(address, object({ url: address }, { headers: table(text(most.headerName), text(most.headerValue), most.headers) }))

/** A chain as a site defines it. */
export const chain = object(
  {
    chainId: whole(1, Number.MAX_SAFE_INTEGER),
    rpcUrls: list(node, mostNodes),
    nativeCurrency: object({ symbol: text(most.symbol), decimals: exactly(18) }),
  },
  {
    chainName: text(most.name),
    webSocketUrl: address,
    /** In hex after 0x. */
    maxFee: text(most.maxFee, /^0x[0-9a-f]+$/),
  },
)

/** A coin besides Ethereum. */
export const otherCoin = exactly('tron', 'bitcoin', 'cosmos')

const request = { type: exactly('request'), id, method: text(100), params: values }

const fromSite = {
  /** The first message. Its form stays the same in all versions, so that every broker understands it. */
  hello: object({ type: exactly('hello'), v: whole(1, 1000), sdk: text(64) }),
  /** Each id is greater than the ones before it. chain is what the request is for; without it, what is selected for the site. */
  request: object(request, { chain }),
  cancel: object({ type: exactly('cancel'), id }),
  /** Asks whether the broker is there. It answers with a beat. */
  beat: object({ type: exactly('beat') }),
  bye: object({ type: exactly('bye') }),
}

/** From version 2 on, a request may be for a coin besides Ethereum: coins.ts has its methods. */
const fromSite2 = { ...fromSite, request: object(request, { chain, coin: otherCoin }) }

const toSite = {
  welcome: object(
    { type: exactly('welcome'), v: whole(1, 1000), broker: text(64), accounts: list(text(42), 20) },
    { chainId: text(20, /^0x[0-9a-f]+$/) },
  ),
  result: object({ type: exactly('result'), id, result: values }),
  /** id is null where a message could not be read. */
  error: object(
    { type: exactly('error'), id: either(id, exactly(null)), code: whole(-(2 ** 31), 2 ** 31 - 1), message: text(1 << 16) },
    { data: values },
  ),
  /** One for a coin is sent from version 2 on. */
  event: object(
    {
      type: exactly('event'),
      name: exactly('connect', 'disconnect', 'chainChanged', 'accountsChanged', 'message', 'interaction'),
      payload: values,
    },
    { coin: otherCoin },
  ),
  beat: object({ type: exactly('beat') }),
  /** The broker goes away. */
  bye: object({ type: exactly('bye') }),
}

export type ChainMessage = Of<typeof chain>
export type OtherCoin = Of<typeof otherCoin>
export type FromSite = Of<(typeof fromSite2)[keyof typeof fromSite2]>
export type ToSite = Of<(typeof toSite)[keyof typeof toSite]>
export type EventName = Extract<ToSite, { type: 'event' }>['name']

const readFrom = [variants(fromSite), variants(fromSite2)]
const readTo = variants(toSite)

/**
 * chainMessage describes a chain. What does not fit into a message is left out, as long as a node is left: a list of nodes may be longer than
 * the message takes, and a name.
 */
export function chainMessage({ id, nodes, nativeCurrency, webSocketUrl, maxFee }: Described, name: string | undefined): ChainMessage {
  const rpcUrls = nodes.map(({ url, headers }) => (headers ? { url, headers } : url)).filter((each) => fits(node, each))
  return {
    chainId: id,
    rpcUrls: rpcUrls.slice(0, mostNodes),
    nativeCurrency: { symbol: nativeCurrency.symbol, decimals: 18 },
    ...(name !== undefined && name.length <= most.name && { chainName: name }),
    ...(webSocketUrl !== undefined && fits(address, webSocketUrl) && { webSocketUrl }),
    ...(maxFee !== undefined && { maxFee: `0x${(maxFee < 2n ** 256n ? maxFee : 2n ** 256n - 1n).toString(16)}` }), // no fee is higher
  }
}

/** Described is a chain as the library holds it. */
interface Described {
  readonly id: number
  readonly nodes: readonly { readonly url: string; readonly headers?: Readonly<Record<string, string>> }[]
  readonly nativeCurrency: { readonly symbol: string }
  readonly webSocketUrl?: string
  readonly maxFee?: bigint
}

function fits(schema: Schema<unknown>, value: unknown): boolean {
  try {
    schema(value, '')
    return true
  } catch {
    return false
  }
}

/** readFromSite reads a message that a broker got, in a version. It throws a sentence if the message does not fit. */
export const readFromSite = (data: unknown, v = version): FromSite => readFrom[v - 1]!(parse(data, mostToBroker), 'the message')

/** readToSite reads a message that a site got. It throws a sentence if the message does not fit. */
export const readToSite = (data: unknown): ToSite => readTo(parse(data, mostToSite), 'the message')

/**
 * write makes the text of a message, so that a request means the same as on a page with the SDK in it. What JSON cannot say is written as
 * wallets do: bytes in hex, and a bigint as a number, or in hex if it is too large for one. NaN and Infinity in a request become texts,
 * which no method takes for a number. JSON.stringify would write null, and a field that is null is absent.
 */
export const write = (message: FromSite | ToSite): string =>
  JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === 'bigint') return fromBigInt(value)
    if (value instanceof Uint8Array) return `0x${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
    if (typeof value === 'number' && !Number.isFinite(value) && message.type === 'request') return String(value)
    return value
  })

function fromBigInt(value: bigint): number | string {
  if (Number.isSafeInteger(Number(value))) return Number(value)
  return value < 0n ? value.toString() : `0x${value.toString(16)}` // hex has no sign
}

function parse(data: unknown, most: number): unknown {
  if (typeof data !== 'string') throw 'the message is not text'
  if (data.length > most) throw `the message is longer than ${most} characters`
  try {
    return JSON.parse(data)
  } catch {
    throw 'the message is not JSON'
  }
}
