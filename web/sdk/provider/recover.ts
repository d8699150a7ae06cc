// personal_ecRecover: the address of the key that made a signature of personal_sign. No secret is involved.

import { checksummed, keccak256 } from './keccak'
import { badParams } from './refusal'

// The curve secp256k1 (SEC 2, section 2.4.1): y² = x³ + 7 over the field of p. Its group has the order n and the generator G.
const p = 2n ** 256n - 2n ** 32n - 977n
const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const G: Point = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  1n,
]
const infinity: Point = [1n, 1n, 0n]

/** Point is a point of the curve in Jacobian coordinates: x / z² and y / z³. With z = 0 it is the point at infinity. */
type Point = readonly [x: bigint, y: bigint, z: bigint]

const mod = (a: bigint, m: bigint) => ((a % m) + m) % m

function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n
  for (; exponent > 0n; exponent >>= 1n, base = (base * base) % m) if (exponent & 1n) result = (result * base) % m
  return result
}

const inverse = (a: bigint, m: bigint) => power(mod(a, m), m - 2n, m)

function double([x, y, z]: Point): Point {
  const square = (y * y) % p
  const s = (4n * x * square) % p
  const slope = (3n * x * x) % p
  const x3 = mod(slope * slope - 2n * s, p)
  return [x3, mod(slope * (s - x3) - 8n * square * square, p), (2n * y * z) % p]
}

function add(a: Point, b: Point): Point {
  if (a[2] === 0n) return b
  if (b[2] === 0n) return a
  const [az, bz] = [(a[2] * a[2]) % p, (b[2] * b[2]) % p]
  const [ax, bx] = [(a[0] * bz) % p, (b[0] * az) % p]
  const [ay, by] = [(a[1] * bz * b[2]) % p, (b[1] * az * a[2]) % p]
  if (ax === bx) return ay === by ? double(a) : infinity
  const h = bx - ax
  const slope = by - ay
  const hh = (h * h) % p
  const hhh = (h * hh) % p
  const v = (ax * hh) % p
  const x = mod(slope * slope - hhh - 2n * v, p)
  return [x, mod(slope * (v - x) - ay * hhh, p), mod(h * a[2] * b[2], p)]
}

/** sum gives a times A plus b times B. */
function sum(a: bigint, A: Point, b: bigint, B: Point): Point {
  const both = add(A, B)
  let result = infinity
  for (let bit = 255n; bit >= 0n; bit--) {
    result = double(result)
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
  const R: Point = [r, Number(root & 1n) === parity ? root : p - root, 1n]
  const byR = inverse(r, n)
  const [x, y, w] = sum(mod(-z * byR, n), G, mod(s * byR, n), R)
  if (w === 0n) return undefined
  const byW = inverse(w, p)
  const bytes = Uint8Array.from(`${hex32((x * byW * byW) % p)}${hex32((y * byW * byW * byW) % p)}`.match(/../g)!, (byte) =>
    parseInt(byte, 16),
  )
  return `0x${checksummed(keccak256(bytes).slice(24))}`
}
