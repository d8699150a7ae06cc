// The EIP-1193 requests of the demonstration. The functions are pure, so that they can be tested without a browser.

import type { TransactionSummary } from 'imkey-connect'

/** Request is a request to the provider. */
export interface Request {
  readonly method: string
  readonly params?: readonly unknown[]
}

/** Logged is a request as the page shows it: to the provider, or a call of a library. */
export interface Logged {
  readonly method: string
  readonly params?: object
}

/** demoToken is the address of a token. No contract need be there: signing works without one. */
export const demoToken = '0xDe3000000000000000000000000000000000de30'.toLowerCase()

/** demoSpender is the spender of the permit and the approval. */
export const demoSpender = '0x5bE4d3400000000000000000000000000005be4d'.toLowerCase()

export const unlimited = 2n ** 256n - 1n

const utf8 = new TextEncoder()

/** hexOf returns the UTF-8 bytes of a text in hex. personal_sign takes any text unambiguously in this form. */
export function hexOf(text: string): string {
  return '0x' + Array.from(utf8.encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** parseUnits converts a decimal amount to its smallest units. It returns undefined if the text is not an amount. */
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

/** signPermit asks for the signature of an EIP-2612 permit. The deadline is in seconds since 1970. */
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

/** Fields are what the user typed. */
export interface Fields {
  readonly to: string
  readonly amount: string
  readonly data: string
}

/** Mistake is the field that is wrong. */
export type Mistake = 'to' | 'amount' | 'data'

/** sendTransaction makes a transaction of the fields. It returns the first field that is wrong, if there is one. */
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

/** call encodes an ERC-20 call that takes an address and a number. */
function call(selector: string, address: string, value: bigint): string {
  return '0x' + selector + address.slice(2).toLowerCase().padStart(64, '0') + value.toString(16).padStart(64, '0')
}

/** ownNode reports whether this page may reach the address: its policy allows nodes on this computer. */
export function ownNode(text: string): boolean {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return false
  }
  return url.protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(url.hostname) && url.username === '' && url.password === ''
}

/** The longest list or object on one line, in characters. */
const line = 64

/** json formats a value for reading: short lists and objects on one line, long ones on several. */
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

/** Failure is why a request failed. */
export interface Failure {
  readonly code: number
  readonly message: string
  /** The code of the provider's or the SDK's error. */
  readonly reason: string | undefined
  readonly data: unknown
  /** Whether the request ended because the browser froze the page or put it into its cache, and not because it was aborted. */
  readonly putAway: boolean
}

export function failureOf(error: unknown): Failure {
  const { code, message, data, cause } = Object(error) as {
    code?: unknown
    message?: unknown
    data?: unknown
    cause?: { data?: { reason?: unknown } }
  }
  const reason = (Object(data) as { code?: unknown }).code
  return {
    code: typeof code === 'number' ? code : -32603,
    message: typeof message === 'string' ? message : String(error),
    reason: typeof reason === 'string' ? reason : undefined,
    data,
    putAway: cause?.data?.reason === 'page-hidden',
  }
}

/** Warning is something about a transaction that a user could overlook, by its key in the words. */
export type Warning = 'all-nfts' | 'nft-or-tokens' | NonNullable<TransactionSummary['notes']>[number]

/** warningsOf returns what to say about a transaction besides its summary. */
export function warningsOf(summary: TransactionSummary | undefined): Warning[] {
  if (!summary) return []
  const { kind, unlimited, notes = [], payment } = summary
  const warnings: Warning[] = [...notes]
  if (kind === 'approval-for-all' && unlimited) warnings.push('all-nfts')
  if (payment.includes('NFT no. ') && payment.includes(' units of token')) warnings.push('nft-or-tokens')
  return warnings
}

/** Shown is the part of a simulated device's status that this page uses. */
export interface Shown {
  readonly screen: readonly string[]
  readonly binding: string
  readonly asking?: boolean
}

/** askedOn returns the lines of a screen that asks for OK or cancel. For others it returns null, since they may show the binding code. */
export function askedOn(status: Shown): readonly string[] | null {
  return status.asking === true && status.binding === 'bound' ? status.screen : null
}
