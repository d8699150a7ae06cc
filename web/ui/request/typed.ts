// Typed data (EIP-712) as a tree of what is signed: the fields that the types name, and no others.

import type { TypedData } from 'imkey-connect'

/** Field is a value of typed data, as it is signed. */
export interface Field {
  readonly name: string
  readonly type: string
  /** The value of a simple type: an address in lower case, a number, a truth value, bytes in hex, or text. Undefined if it is missing. */
  readonly value?: bigint | boolean | string
  /** The fields of a struct, or the entries of a list. */
  readonly fields?: readonly Field[]
  /** How many entries are left out, because there are too many. */
  readonly more: number
}

/** The most fields that a screen shows. A user reads no more, and a page must not be able to block the screen. */
const mostFields = 1500

/** How deep a screen shows them, as core allows. */
const mostDepth = 64

interface Reading {
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>
  left: number
}

/**
 * readTyped reads the type, the domain and the message of a document. A value that does not have its type is read as text: core refuses it.
 * A document of the type EIP712Domain has no message, since only its domain is signed.
 */
export function readTyped(document: TypedData): { primaryType: string; domain: Field; message?: Field } {
  const types = Object(own(document, 'types')) as Reading['types']
  const primaryType = String(own(document, 'primaryType'))
  const domain = struct({ types, left: 64 }, 'domain', 'EIP712Domain', own(document, 'domain'), 0)
  if (primaryType === 'EIP712Domain') return { primaryType, domain }
  return { primaryType, domain, message: struct({ types, left: mostFields }, 'message', primaryType, own(document, 'message'), 0) }
}

/** own reads a property that an object has itself, not what Object.prototype may have. */
const own = (object: unknown, name: string): unknown =>
  typeof object === 'object' && object !== null && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined

function struct(reading: Reading, name: string, type: string, value: unknown, depth: number): Field {
  const list = own(reading.types, type)
  if (!Array.isArray(list) || value === undefined || value === null || depth > mostDepth) return { name, type, more: 0 }
  const fields: Field[] = []
  for (const entry of list) {
    if (reading.left <= 0) break
    const field = String(own(entry, 'name'))
    fields.push(read(reading, field, String(own(entry, 'type')), own(value, field), depth + 1))
  }
  return { name, type, fields, more: list.length - fields.length }
}

function read(reading: Reading, name: string, type: string, value: unknown, depth: number): Field {
  reading.left--
  const list = /^(.*)\[\d*\]$/s.exec(type)
  if (list) {
    if (!Array.isArray(value)) return { name, type, more: 0 }
    const fields: Field[] = []
    for (const entry of value) {
      if (reading.left <= 0 || depth > mostDepth) break
      fields.push(read(reading, String(fields.length + 1), list[1]!, entry, depth + 1))
    }
    return { name, type, fields, more: value.length - fields.length }
  }
  if (own(reading.types, type) !== undefined) return struct(reading, name, type, value, depth)
  const simple = simpleValue(type, value)
  return { name, type, ...(simple !== undefined && { value: simple }), more: 0 }
}

/** The most digits of a number, as core allows. */
const mostDigits = 300

/**
 * integer reads a whole number as core does (parseBigInt), or returns undefined. A number that is signed must not be unreadable here:
 * white space around it has no limit, and leading zeros count as digits. Both trim what ECMA-262 calls white space.
 */
function integer(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string' && typeof value !== 'bigint') return undefined
  const text = String(value).trim()
  const digits = text.replace(/^([-+]|0[xob](?=.))/i, '')
  if (digits.length > mostDigits) return undefined
  try {
    return BigInt(text)
  } catch {
    return undefined
  }
}

function simpleValue(type: string, value: unknown): bigint | boolean | string | undefined {
  if (value === undefined || value === null) return undefined
  if (value instanceof Uint8Array) return `0x${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  const scalar = value as bigint | boolean | number | string | object
  const text = typeof scalar === 'object' ? '{…}' : String(scalar) // core refuses an object here
  if (/^u?int\d*$/.test(type)) return integer(value) ?? text
  if (type === 'bool') return value === true || value === 1
  return type === 'address' && /^0x[0-9a-f]{40}$/i.test(text) ? text.toLowerCase() : text
}

/** at returns the field of a struct with a name and a type. */
export const at = (field: Field | undefined, name: string, type: string): Field | undefined =>
  field?.fields?.find((one) => one.name === name && one.type === type)

export const addressAt = (field: Field | undefined, name: string): string | undefined => {
  const value = at(field, name, 'address')?.value
  return typeof value === 'string' && /^0x[0-9a-f]{40}$/.test(value) ? value : undefined
}

export const numberAt = (field: Field | undefined, name: string, bits = 256): bigint | undefined => {
  const value = (at(field, name, `uint${bits}`) ?? (bits === 256 ? at(field, name, 'uint') : undefined))?.value
  return typeof value === 'bigint' ? value : undefined
}

export const boolAt = (field: Field | undefined, name: string): boolean | undefined => {
  const value = at(field, name, 'bool')?.value
  return typeof value === 'boolean' ? value : undefined
}

export const textAt = (field: Field | undefined, name: string, type = 'string'): string | undefined => {
  const value = at(field, name, type)?.value
  return typeof value === 'string' ? value : undefined
}
