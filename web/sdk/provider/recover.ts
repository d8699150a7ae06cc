// personal_ecRecover: the address of the key that made a signature of personal_sign. No secret is involved.

import { checksummed, keccak256 } from './keccak'
import { badParams } from './refusal'

// The curve secp256k1 (SEC 2, section 2.4.1): y² = x³ + 7 over the field of p. Its group has the order n and the generator G.
const p = 2n ** 256n - 2n ** 32n - 977n
const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const G = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
}
/** Point is a point of the curve. undefined is the point at infinity. */
type Point = { readonly x: bigint; readonly y: bigint } | undefined

const mod = (a: bigint, m: bigint) => ((a % m) + m) % m

function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n
  for (; exponent > 0n; exponent >>= 1n, base = (base * base) % m) if (exponent & 1n) result = (result * base) % m
  return result
}

const inverse = (a: bigint, m: bigint) => power(mod(a, m), m - 2n, m)

function add(a: Point, b: Point): Point {
  if (!a || !b) return a ?? b
  if (a.x === b.x && a.y !== b.y) return undefined
  const slope = a.x === b.x ? 3n * a.x * a.x * inverse(2n * a.y, p) : (a.y - b.y) * inverse(a.x - b.x, p)
  const x = mod(slope * slope - a.x - b.x, p)
  return { x, y: mod(slope * (a.x - x) - a.y, p) }
}

/** sum gives a times A plus b times B. */
function sum(a: bigint, A: Point, b: bigint, B: Point): Point {
  const both = add(A, B)
  let result: Point
  for (let bit = 255n; bit >= 0n; bit--) {
    result = add(result, result)
    const [ofA, ofB] = [(a >> bit) & 1n, (b >> bit) & 1n]
    if (ofA || ofB) result = add(result, ofA && ofB ? both : ofA ? A : B)
  }
  return result
}

const hex32 = (value: bigint) => value.toString(16).padStart(64, '0')

/** recover gives the address, with the checksum of EIP-55, of the account that signed a message. The signature is r, s and v. */
export function recover(message: string | Uint8Array, signature: unknown): string {
  const [, r, s, v] = (typeof signature === 'string' && /^0x([0-9a-f]{64})([0-9a-f]{64})(00|01|1b|1c)$/i.exec(signature)) || []
  if (!r || !s || !v) throw badParams('the signature is not 65 bytes in hex, of which the last is 0, 1, 27 or 28')
  const address = signer(digest(message), BigInt(`0x${r}`), BigInt(`0x${s}`), Number(v === '01' || /c/i.test(v)))
  if (!address) throw badParams('no account made this signature')
  return address
}

/** digest is that of EIP-191. */
function digest(message: string | Uint8Array): bigint {
  const body = typeof message === 'string' ? new TextEncoder().encode(message) : message
  const head = new TextEncoder().encode(`\x19Ethereum Signed Message:\n${body.length}`)
  const all = new Uint8Array(head.length + body.length)
  all.set(head)
  all.set(body, head.length)
  return BigInt(`0x${keccak256(all)}`)
}

/** signer recovers the public key (SEC 1, section 4.1.6) and gives its address. */
function signer(z: bigint, r: bigint, s: bigint, parity: number): string | undefined {
  if (r === 0n || r >= n || s === 0n || s >= n) return undefined
  const square = mod(r * r * r + 7n, p)
  const root = power(square, (p + 1n) / 4n, p)
  if ((root * root) % p !== square) return undefined
  const R = { x: r, y: Number(root & 1n) === parity ? root : p - root }
  const byR = inverse(r, n)
  const key = sum(mod(-z * byR, n), G, mod(s * byR, n), R)
  if (!key) return undefined
  const bytes = Uint8Array.from(`${hex32(key.x)}${hex32(key.y)}`.match(/../g)!, (byte) => parseInt(byte, 16))
  return `0x${checksummed(keccak256(bytes).slice(24))}`
}
