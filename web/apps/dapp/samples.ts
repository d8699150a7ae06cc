// Samples of what sites ask an account of a coin to sign. Nothing of it can be sent: the output that the PSBT spends does not exist, and the
// transaction of TRON names no block.

export const bitcoinReceiver = 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu'
export const tronReceiver = 'THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq'
export const cosmosReceiver = 'cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt'

const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** scriptOf gives the script of an address in bech32. Its checksum is not checked. */
export function scriptOf(address: string): number[] {
  const [version = 0, ...digits] = Array.from(address.slice(address.lastIndexOf('1') + 1, -6), (letter) => letters.indexOf(letter))
  const program: number[] = []
  let [value, bits] = [0, 0]
  for (const digit of digits) {
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) program.push((value >> (bits -= 8)) & 0xff)
  }
  return [version === 0 ? 0 : 0x50 + version, program.length, ...program]
}

const little = (value: number, size: number) => Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256)

/** samplePsbt spends an output of the account that does not exist: 0.0015 BTC, with a fee of 1000 satoshi. It is in base 64. */
export function samplePsbt(account: string): string {
  const sized = (bytes: readonly number[]) => [bytes.length, ...bytes]
  const transaction = [
    ...little(2, 4),
    1,
    ...Array.from({ length: 32 }, () => 0x11),
    ...little(0, 4),
    0,
    ...little(0xfffffffd, 4),
    1,
    ...little(149_000, 8),
    ...sized(scriptOf(bitcoinReceiver)),
    ...little(0, 4),
  ]
  const spent = [...little(150_000, 8), ...sized(scriptOf(account))]
  return btoa(String.fromCharCode(0x70, 0x73, 0x62, 0x74, 0xff, 1, 0, ...sized(transaction), 0, 1, 1, ...sized(spent), 0, 0))
}

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
const hexOf = (bytes: Iterable<number>) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** tronBytes gives the 21 bytes of an address of TRON, or undefined for a text that is none. */
export async function tronBytes(address: string): Promise<number[] | undefined> {
  if (!/^T[1-9A-HJ-NP-Za-km-z]{33}$/.test(address)) return undefined
  let number = 0n
  for (const letter of address) number = number * 58n + BigInt(base58.indexOf(letter))
  const bytes = Uint8Array.from(number.toString(16).padStart(50, '0').match(/../g)!, (pair) => parseInt(pair, 16))
  const sum = await sha256(await sha256(bytes.slice(0, 21)))
  return bytes.length === 25 && bytes[0] === 0x41 && sum.slice(0, 4).every((byte, i) => byte === bytes[21 + i])
    ? Array.from(bytes.slice(0, 21))
    : undefined
}

/** tronTransfer is a transfer of TRX, as tronweb and nodes write it. amount is in millionths. now is in milliseconds since 1970. */
export async function tronTransfer(owner: readonly number[], to: readonly number[], amount: number, now: number) {
  const varint = (value: number) => {
    const bytes: number[] = []
    let rest = BigInt(value)
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
    return [...bytes, Number(rest)]
  }
  const number = (field: number, value: number) => [...varint(field << 3), ...varint(value)]
  const bytes = (field: number, value: Iterable<number>) => {
    const all = Array.from(value)
    return [...varint((field << 3) | 2), ...varint(all.length), ...all]
  }
  const name = 'type.googleapis.com/protocol.TransferContract'
  const value = [...bytes(1, owner), ...bytes(2, to), ...number(3, amount)]
  const contract = [...number(1, 1), ...bytes(2, [...bytes(1, new TextEncoder().encode(name)), ...bytes(2, value)])]
  const [block, hash, expiration] = [[0, 1], Array.from({ length: 8 }, () => 0x11), now + 60_000]
  const raw = Uint8Array.from([...bytes(1, block), ...bytes(4, hash), ...number(8, expiration), ...bytes(11, contract), ...number(14, now)])
  return {
    txID: hexOf(await sha256(raw)),
    raw_data: {
      contract: [
        {
          type: 'TransferContract',
          parameter: { type_url: name, value: { owner_address: hexOf(owner), to_address: hexOf(to), amount } },
        },
      ],
      ref_block_bytes: hexOf(block),
      ref_block_hash: hexOf(hash),
      expiration,
      timestamp: now,
    },
    raw_data_hex: hexOf(raw),
  }
}

/** sampleDocument is an amino document that sends 0.001 ATOM. */
export function sampleDocument(account: string) {
  return {
    chain_id: 'cosmoshub-4',
    account_number: '7',
    sequence: '0',
    fee: { amount: [{ denom: 'uatom', amount: '750' }], gas: '200000' },
    msgs: [
      {
        type: 'cosmos-sdk/MsgSend',
        value: { from_address: account, to_address: cosmosReceiver, amount: [{ denom: 'uatom', amount: '1000' }] },
      },
    ],
    memo: '',
  }
}
