// Keccak-256 (FIPS 202, with the padding of the first submission), for checksums of addresses (EIP-55), personal_ecRecover and the journal.
// A lane of 64 bits is two words of a Uint32Array, the low one first: bigints take a hundred times as long.

/** The round constants, computed by a shift register as FIPS 202, section 3.2.5 defines them. */
const constants = Uint32Array.from({ length: 48 }, (_, i) => {
  let constant = 0
  for (let j = 0; j <= 6; j++) {
    const at = (1 << j) - 1 // the bit of the lane
    if (at >> 5 === i % 2 && bit(j + 7 * (i >> 1))) constant |= 1 << (at % 32)
  }
  return constant
})

function bit(t: number): boolean {
  let register = 1
  for (let i = t % 255; i > 0; i--) register = (register << 1) ^ (register & 0x80 ? 0x171 : 0)
  return (register & 1) === 1
}

/** The steps rho and pi: each lane goes to the next index of the path, rotated. No rotation is by 0 or 32. */
const path = Array.from({ length: 24 }, () => [0, 0] as [to: number, by: number])
for (let t = 0, x = 1, y = 0; t < 24; t++) {
  ;[x, y] = [y, (2 * x + 3 * y) % 5]
  path[t] = [2 * (x + 5 * y), (((t + 1) * (t + 2)) / 2) % 64]
}

const rate = 136

/** keccak256 gives the hash in hex. */
export function keccak256(input: Uint8Array): string {
  const padded = new Uint8Array(rate * (Math.floor(input.length / rate) + 1))
  padded.set(input)
  padded[input.length]! ^= 0x01
  padded[padded.length - 1]! ^= 0x80
  const view = new DataView(padded.buffer)
  const state = new Uint32Array(50)
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate / 4; i++) state[i]! ^= view.getUint32(at + 4 * i, true)
    for (let round = 0; round < 24; round++) permute(state, round)
  }
  const output = new DataView(new ArrayBuffer(32))
  for (let i = 0; i < 8; i++) output.setUint32(4 * i, state[i]!, true)
  return Array.from(new Uint8Array(output.buffer), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const columns = new Uint32Array(10)
const row = new Uint32Array(10)

function permute(a: Uint32Array, round: number) {
  for (let i = 0; i < 10; i++) columns[i] = a[i]! ^ a[i + 10]! ^ a[i + 20]! ^ a[i + 30]! ^ a[i + 40]!
  for (let x = 0; x < 10; x += 2) {
    const [before, low, high] = [(x + 8) % 10, columns[(x + 2) % 10]!, columns[((x + 2) % 10) + 1]!]
    const [l, h] = [columns[before]! ^ (low << 1) ^ (high >>> 31), columns[before + 1]! ^ (high << 1) ^ (low >>> 31)]
    for (let y = x; y < 50; y += 10) {
      a[y]! ^= l
      a[y + 1]! ^= h
    }
  }

  let [low, high] = [a[2]!, a[3]!]
  for (const [to, by] of path) {
    if (by > 32) [low, high] = [high, low]
    const [l, h] = [(low << by) | (high >>> -by), (high << by) | (low >>> -by)] // shifts are modulo 32
    ;[low, high] = [a[to]!, a[to + 1]!]
    a[to] = l
    a[to + 1] = h
  }

  for (let y = 0; y < 50; y += 10) {
    for (let i = 0; i < 10; i++) row[i] = a[y + i]!
    for (let i = 0; i < 10; i++) a[y + i]! ^= ~row[(i + 2) % 10]! & row[(i + 4) % 10]!
  }
  a[0]! ^= constants[2 * round]!
  a[1]! ^= constants[2 * round + 1]!
}

/** checksummed gives the 40 digits of an address in the mixed case of EIP-55. */
export function checksummed(lower: string): string {
  const hash = keccak256(new TextEncoder().encode(lower))
  return Array.from(lower, (digit, i) => (parseInt(hash[i]!, 16) >= 8 ? digit.toUpperCase() : digit)).join('')
}
