// Keccak-256, for checksums of addresses (EIP-55), personal_ecRecover and the journal. The code is simple rather than fast.

const mask = (1n << 64n) - 1n
const rotate = (lane: bigint, by: bigint) => ((lane << by) | (lane >> (64n - by))) & mask

/** The round constants, computed by a shift register as FIPS 202, section 3.2.5 defines them. */
const constants = Array.from({ length: 24 }, (_, round) => {
  let constant = 0n
  for (let j = 0; j <= 6; j++) if (bit(j + 7 * round)) constant |= 1n << ((1n << BigInt(j)) - 1n)
  return constant
})

function bit(t: number): boolean {
  let register = 1
  for (let i = t % 255; i > 0; i--) register = (register << 1) ^ (register & 0x80 ? 0x171 : 0)
  return (register & 1) === 1
}

const rate = 136

/** keccak256 gives the hash in hex. */
export function keccak256(input: Uint8Array): string {
  const padded = new Uint8Array(rate * (Math.floor(input.length / rate) + 1))
  padded.set(input)
  padded[input.length]! ^= 0x01
  padded[padded.length - 1]! ^= 0x80
  const view = new DataView(padded.buffer)
  let state = Array.from({ length: 25 }, () => 0n)
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate / 8; i++) state[i]! ^= view.getBigUint64(at + 8 * i, true)
    for (const constant of constants) state = round(state, constant)
  }
  const output = new DataView(new ArrayBuffer(32))
  for (let i = 0; i < 4; i++) output.setBigUint64(8 * i, state[i]!, true)
  return Array.from(new Uint8Array(output.buffer), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function round(a: bigint[], constant: bigint): bigint[] {
  const column = (x: number) => [0, 5, 10, 15, 20].reduce((sum, y) => sum ^ a[((x + 5) % 5) + y]!, 0n)
  const columns = [0, 1, 2, 3, 4].map(column)
  a = a.map((lane, i) => lane ^ columns[(i + 4) % 5]! ^ rotate(columns[(i + 1) % 5]!, 1n))

  const b = [...a]
  for (let t = 0, x = 1, y = 0; t < 24; t++) {
    const from = x + 5 * y
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
    b[x + 5 * y] = rotate(a[from]!, BigInt((((t + 1) * (t + 2)) / 2) % 64))
  }

  a = b.map((lane, i) => {
    const row = i - (i % 5)
    return lane ^ (~b[row + ((i + 1) % 5)]! & mask & b[row + ((i + 2) % 5)]!)
  })
  a[0]! ^= constant
  return a
}

/** checksummed gives the 40 digits of an address in the mixed case of EIP-55. */
export function checksummed(lower: string): string {
  const hash = keccak256(new TextEncoder().encode(lower))
  return Array.from(lower, (digit, i) => (parseInt(hash[i]!, 16) >= 8 ? digit.toUpperCase() : digit)).join('')
}
