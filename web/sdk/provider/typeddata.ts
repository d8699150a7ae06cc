import type { TypedData } from '../types/imkey'
import { badParams } from './refusal'

/** The limits of core: far more than a user can read, and little enough not to block the page. */
const mostBytes = 1 << 20
const mostDepth = 70

/**
 * readTypedData copies a document of EIP-712, given as JSON text or as an object, so that the caller cannot change it any more. core
 * checks its types.
 */
export function readTypedData(value: unknown): TypedData {
  let document = value
  if (typeof value === 'string') {
    if (value.length > mostBytes) throw tooLarge()
    try {
      document = JSON.parse(value)
    } catch (cause) {
      throw badParams(`the typed data is not JSON: ${String(Object(cause).message)}`)
    }
  }
  document = copy(document, { left: mostBytes }, 0)
  const { types, primaryType, domain, message } = Object(document) as Record<string, unknown>
  // If the primaryType is EIP712Domain, only the domain is signed, and a message is ignored. Without a domain, it has no fields.
  const complete = isObject(message) || primaryType === 'EIP712Domain'
  if (!isObject(types) || typeof primaryType !== 'string' || !(isObject(domain) || domain === undefined) || !complete) {
    throw badParams('the typed data is not of the form { types, primaryType, domain, message } (EIP-712)')
  }
  return document as TypedData
}

/** chainOf gives the chain id of the domain, if it has one. */
export function chainOf({ domain }: TypedData): string | undefined {
  const { chainId } = Object(domain) as { chainId?: unknown }
  if (chainId === undefined || chainId === null) return undefined
  try {
    return BigInt(chainId as string).toString()
  } catch {
    throw badParams('the chainId of the typed data is not a whole number')
  }
}

const tooLarge = () => badParams('the typed data is larger than 1 MB')
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

function copy(value: unknown, budget: { left: number }, depth: number): unknown {
  if (depth > mostDepth) throw badParams(`the typed data nests deeper than ${mostDepth} levels, or contains itself`)
  budget.left -= typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.length : 1
  if (budget.left < 0) throw tooLarge()
  switch (typeof value) {
    case 'number':
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        throw badParams(`the typed data has a number that JavaScript does not hold exactly: write ${value} as text`)
      }
      return value
    case 'object':
      break
    case 'function':
    case 'symbol':
      throw badParams(`the typed data holds a ${typeof value}`)
    default:
      return value
  }
  if (value === null) return value
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return Array.from(value, (entry) => copy(entry, budget, depth + 1))
  const copied: Record<string, unknown> = {}
  for (const [name, entry] of Object.entries(value)) {
    budget.left -= name.length
    // Not by assignment, which would set the prototype for the name __proto__.
    Object.defineProperty(copied, name, { value: copy(entry, budget, depth + 1), enumerable: true, configurable: true, writable: true })
  }
  return copied
}
