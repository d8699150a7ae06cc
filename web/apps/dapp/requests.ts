// What the demonstration asks for, as EIP-1193 requests. Pure, so that it can be tested without a browser.

/** Request is what goes to the provider. */
export interface Request {
  readonly method: string
  readonly params?: readonly unknown[]
}

/** demoToken is a contract of nobody's: the demonstration works the same whether there is one on the chain or not. */
export const demoToken = '0xDe3000000000000000000000000000000000de30'.toLowerCase()

/** demoSpender is who the permit and the approval are for. */
export const demoSpender = '0x5bE4d3400000000000000000000000000005be4d'.toLowerCase()

export const unlimited = 2n ** 256n - 1n

const utf8 = new TextEncoder()

/** hexOf gives a text's UTF-8 bytes in hex, which is how personal_sign takes any text without a doubt. */
export function hexOf(text: string): string {
  return '0x' + Array.from(utf8.encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** parseUnits reads a decimal amount into its smallest units, or gives undefined where it is none. */
export function parseUnits(text: string, decimals = 18): bigint | undefined {
  const match = /^(\d{1,60})(?:\.(\d{1,60}))?$/.exec(text.trim())
  if (!match) return undefined
  const [, whole, fraction = ''] = match
  if (fraction.length > decimals) return undefined
  const units = BigInt(whole! + fraction.padEnd(decimals, '0'))
  return units >> 256n === 0n ? units : undefined
}

export function isAddress(text: string): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(text.trim())
}

export function isData(text: string): boolean {
  return /^0x([0-9a-fA-F]{2})+$/.test(text.trim())
}

export function signMessage(account: string, message: string): Request {
  return { method: 'personal_sign', params: [hexOf(message), account] }
}

/** signPermit asks for the signature of an EIP-2612 permit. deadline is in seconds since 1970. */
export function signPermit(account: string, chainId: number, value: bigint, deadline: number): Request {
  const document = {
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Permit',
    domain: { name: 'Demo Token', version: '1', chainId, verifyingContract: demoToken },
    message: { owner: account, spender: demoSpender, value: String(value), nonce: 0, deadline },
  }
  return { method: 'eth_signTypedData_v4', params: [account, document] }
}

export type Kind = 'coins' | 'tokens' | 'approve' | 'unknown'

/** Fields are what the person wrote. */
export interface Fields {
  readonly to: string
  readonly amount: string
  readonly data: string
}

/** Which field is wrong. */
export type Mistake = 'to' | 'amount' | 'data'

/** sendTransaction makes a transaction of the fields, or names the first one that is wrong. */
export function sendTransaction(account: string, kind: Kind, fields: Fields): Request | Mistake {
  const to = fields.to.trim()
  if (!isAddress(to)) return 'to'
  const send = (transaction: object): Request => ({ method: 'eth_sendTransaction', params: [{ from: account, ...transaction }] })
  switch (kind) {
    case 'coins': {
      const value = parseUnits(fields.amount)
      return value === undefined ? 'amount' : send({ to, value: `0x${value.toString(16)}` })
    }
    case 'tokens': {
      const value = parseUnits(fields.amount)
      return value === undefined ? 'amount' : send({ to: demoToken, data: call('a9059cbb', to, value) })
    }
    case 'approve':
      return send({ to: demoToken, data: call('095ea7b3', to, unlimited) })
    case 'unknown':
      return isData(fields.data) ? send({ to, data: fields.data.trim() }) : 'data'
  }
}

/** call encodes one of ERC-20's calls that take an address and a number. */
function call(selector: string, address: string, value: bigint): string {
  return '0x' + selector + address.slice(2).toLowerCase().padStart(64, '0') + value.toString(16).padStart(64, '0')
}

/** ownNode says that an address is one that this page may reach: a node on this very computer, by a port of its own. */
export function ownNode(text: string): boolean {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return false
  }
  return url.protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(url.hostname) && url.username === '' && url.password === ''
}

/** How long a list or an object may be to stand in one line. */
const line = 64

/** json writes a value for people to read: what is short in one line, what is long in several. */
export function json(value: unknown, indent = ''): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const inside = indent + '  '
  const list = Array.isArray(value)
  const entries = list
    ? value.map((entry: unknown) => json(entry, inside))
    : Object.entries(value).map(([name, entry]) => `${JSON.stringify(name)}: ${json(entry, inside)}`)
  if (entries.length === 0) return list ? '[]' : '{}'
  const short = entries.join(', ')
  if (indent.length + short.length <= line && !short.includes('\n')) return list ? `[${short}]` : `{ ${short} }`
  const [open, close] = list ? '[]' : '{}'
  return `${open}\n${entries.map((entry) => inside + entry).join(',\n')}\n${indent}${close}`
}

/** Failure is what a request rejected with. */
export interface Failure {
  readonly code: number
  readonly message: string
  /** The library's own code, where it is its own error. */
  readonly reason: string | undefined
  readonly data: unknown
  /** The browser froze the page or put it away: nobody gave anything up. */
  readonly putAway: boolean
}

export function failureOf(error: unknown): Failure {
  const { code, message, data, cause } = Object(error) as { code?: unknown; message?: unknown; data?: unknown; cause?: { data?: { reason?: unknown } } }
  const reason = (Object(data) as { code?: unknown }).code
  return {
    code: typeof code === 'number' ? code : -32603,
    message: typeof message === 'string' ? message : String(error),
    reason: typeof reason === 'string' ? reason : undefined,
    data,
    putAway: cause?.data?.reason === 'page-hidden',
  }
}

/** Shown is what of a simulated device's state this page looks at. */
export interface Shown {
  readonly screen: readonly string[]
  readonly binding: string
  readonly asking?: boolean
}

/** askedOn gives the screen while it asks for OK or cancel, and nothing of any other: the binding code may be on it. */
export function askedOn(status: Shown): readonly string[] | null {
  return status.asking === true && status.binding === 'bound' ? status.screen : null
}
