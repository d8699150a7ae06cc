import { checksummed } from './keccak'
import { badParams } from './refusal'

/** plain gives an object without a prototype: what it lacks is undefined, whatever a script has added to Object.prototype. */
export const plain = <T extends object>(fields: T): T => Object.assign(Object.create(null) as T, fields)

export const hex = (value: bigint | number) => `0x${value.toString(16)}`

/** readQuantity reads a whole number below 2^bits: hex after 0x, a safe integer, or a bigint. */
export function readQuantity(value: unknown, name: string, bits: number): bigint {
  let number: bigint | undefined
  if (typeof value === 'bigint') number = value
  else if (typeof value === 'number' && Number.isSafeInteger(value)) number = BigInt(value)
  else if (typeof value === 'string' && /^0x[0-9a-f]{1,100}$/i.test(value)) number = BigInt(value)
  if (number === undefined) throw badParams(`${name} is not a number in hex after 0x, as in "0x1"`)
  if (number < 0n || number >> BigInt(bits) !== 0n) throw badParams(`${name} is not between 0 and 2^${bits} - 1`)
  return number
}

export const isAddress = (value: unknown): value is string => typeof value === 'string' && /^0x[0-9a-f]{40}$/i.test(value)

/** readAddress gives an address in lower case. An address in mixed case must have the checksum of EIP-55. */
export function readAddress(value: unknown, name: string): string {
  if (!isAddress(value)) throw badParams(`${name} is not an address: 0x and 40 hex digits`)
  const digits = value.slice(2)
  const lower = digits.toLowerCase()
  if (digits !== lower && digits !== digits.toUpperCase() && digits !== checksummed(lower)) {
    throw badParams(`${name} has a wrong checksum (EIP-55): a character of it was mistyped`)
  }
  return `0x${lower}`
}

/** The most data that a transaction or a message may have. Longer data is refused before it is read, which would block the page. */
export const mostBytes = 0xffff

/** readBytes reads hex of whole bytes after 0x, at most 65535 of them, and gives it in lower case. */
export function readBytes(value: unknown, name: string): string {
  if (typeof value === 'string' && value.length > 2 + 2 * mostBytes) throw badParams(`${name} is longer than ${mostBytes} bytes`)
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^0x[0-9a-f]*$/i.test(value)) {
    throw badParams(`${name} is not in hex: 0x and two digits for each byte`)
  }
  return value.toLowerCase()
}

export const toHex = (bytes: Uint8Array) => `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`

export function toBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 - 1 }, (_, i) => parseInt(hex.slice(2 * i + 2, 2 * i + 4), 16))
}
