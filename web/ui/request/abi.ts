// Reads the arguments of a call as Solidity encodes them, strictly: what is read here is what the contract reads.

/** Arg is an argument: a number, a truth value, an address or bytes in hex, text, a list, or the fields of a tuple. */
export type Arg = bigint | boolean | string | readonly Arg[]

/** Type is a type of the ABI, parsed from a signature. */
type Type =
  | { readonly kind: 'uint' | 'bytesN'; readonly size: number }
  | { readonly kind: 'address' | 'bool' | 'bytes' | 'string' }
  | { readonly kind: 'list'; readonly of: Type }
  | { readonly kind: 'tuple'; readonly of: readonly Type[] }

const parsed = new Map<string, Type>()

/** parse reads types such as (address,uint256,(bytes)[]). */
export function parse(signature: string): Type {
  let type = parsed.get(signature)
  if (!type) {
    const tokens = signature.match(/[a-z]+\d*|[(),]|\[\]/g)!
    type = read(tokens)
    parsed.set(signature, type)
  }
  return type
}

function read(tokens: string[]): Type {
  const token = tokens.shift()!
  let type: Type
  if (token === '(') {
    const of: Type[] = []
    while (tokens[0] !== ')') {
      of.push(read(tokens))
      if (tokens[0] === ',') tokens.shift()
    }
    tokens.shift()
    type = { kind: 'tuple', of }
  } else if (token === 'address' || token === 'bool' || token === 'bytes' || token === 'string') type = { kind: token }
  else if (token.startsWith('uint')) type = { kind: 'uint', size: Number(token.slice(4)) }
  else type = { kind: 'bytesN', size: Number(token.slice(5)) }
  while (tokens[0] === '[]') {
    tokens.shift()
    type = { kind: 'list', of: type }
  }
  return type
}

const dynamic = (type: Type): boolean =>
  type.kind === 'bytes' || type.kind === 'string' || type.kind === 'list' || (type.kind === 'tuple' && type.of.some(dynamic))

/** The bytes of a type in the head. */
const width = (type: Type): number => (dynamic(type) ? 32 : type.kind === 'tuple' ? type.of.reduce((sum, one) => sum + width(one), 0) : 32)

/** The most values in the arguments of a call. A list may name itself again and again. */
const mostValues = 4096

class Malformed extends Error {}

/**
 * decode reads the arguments of a call from hex without 0x. rest is the number of bytes behind them, which no contract reads as these
 * arguments. It returns undefined if the contract could not read them either, or could read them differently.
 */
export function decode(signature: string, hex: string): { readonly args: readonly Arg[]; readonly rest: number } | undefined {
  const type = parse(signature) as Extract<Type, { kind: 'tuple' }>
  const size = hex.length / 2
  let end = 0
  let values = 0

  const word = (at: number): string => {
    if (at + 32 > size) throw new Malformed()
    end = Math.max(end, at + 32)
    return hex.slice(2 * at, 2 * at + 64)
  }
  /** A length or an offset. One beyond the data is malformed. */
  const small = (at: number): number => {
    const value = BigInt(`0x${word(at)}`)
    if (value > BigInt(size)) throw new Malformed()
    return Number(value)
  }
  const fields = (types: readonly Type[], base: number): Arg[] => {
    let head = base
    return types.map((one) => {
      const at = dynamic(one) ? base + small(head) : head
      head += width(one)
      return value(one, at)
    })
  }
  const value = (type: Type, at: number): Arg => {
    if (++values > mostValues) throw new Malformed()
    switch (type.kind) {
      case 'tuple':
        return fields(type.of, at)
      case 'list': {
        const length = small(at)
        if (length > mostValues) throw new Malformed()
        return fields(
          Array.from({ length }, () => type.of),
          at + 32,
        )
      }
      case 'bytes':
      case 'string': {
        const length = small(at)
        const from = at + 32
        if (from + length > size) throw new Malformed()
        end = Math.max(end, Math.min(size, from + Math.ceil(length / 32) * 32))
        return `0x${hex.slice(2 * from, 2 * (from + length))}`
      }
      case 'address':
        if (!word(at).startsWith('0'.repeat(24))) throw new Malformed()
        return `0x${word(at).slice(24)}`
      case 'bool': {
        const n = BigInt(`0x${word(at)}`)
        if (n > 1n) throw new Malformed()
        return n === 1n
      }
      case 'bytesN':
        return `0x${word(at).slice(0, 2 * type.size)}`
      case 'uint': {
        const n = BigInt(`0x${word(at)}`)
        if (n >> BigInt(type.size) !== 0n) throw new Malformed()
        return n
      }
    }
  }
  try {
    const args = fields(type.of, 0)
    return { args, rest: size - end }
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}
