// An offline signer for cosmjs. It does not depend on cosmjs.

import type { CosmosAminoDocument, Device } from 'imkey-connect'
import type { CosmosAccount, CosmosSignature, CosmosSignDoc, CosmosSigner, CosmosSignerOptions } from '../types/cosmos'
import { connecting } from './connecting'
import { malformed, opening, refused, rpcError } from './opening'

export function createCosmosSigner(options: CosmosSignerOptions = {}): CosmosSigner {
  const { prefix = 'cosmos', paths: given = ["m/44'/118'/0'/0/0"], pairing = 'dialog', connector, ...load } = options
  if (typeof prefix !== 'string') throw new TypeError('prefix is not a string')
  if (!Array.isArray(given) || given.length === 0 || given.some((path) => typeof path !== 'string')) {
    throw new TypeError('paths is not a list of paths')
  }
  const paths = [...(given as readonly string[])]
  /** The accounts that the site was given, with the path of each. */
  let accounts: (CosmosAccount & { path: string })[] | undefined
  let asking: Promise<void> | undefined
  const { use } = opening({ load, pairing, gone: () => {} })
  const told = { changed: (now: unknown) => (accounts = read(now)), gone: () => {} }
  const connected = connector === undefined ? undefined : connecting(connector, 'cosmos', () => told)

  /** read reads accounts that a connector sent. Without any, the permission was taken. */
  const read = (value: unknown): typeof accounts => {
    const list = Array.isArray(value) ? (value as { address: string; path: string; publicKey: string }[]) : []
    if (list.length === 0) return undefined
    return list.map(({ address, path, publicKey }) => ({ path, address, algo: 'secp256k1', pubkey: bytesOf(publicKey) }))
  }

  /** wallet sends a request to the connector. */
  async function wallet<T>(method: string, params: object): Promise<T> {
    try {
      if (accounts === undefined) throw refused(4100, 'invalid-argument', 'The site has to ask for the accounts first.')
      return (await connected!(method, params)) as T
    } catch (thrown) {
      throw rpcError(thrown)
    }
  }

  const ask = async () => {
    if (connected) {
      accounts = read(await connected('cosmos_requestAccounts', { network: prefix }))
      return
    }
    await use(true, async (device) => {
      const read: typeof accounts = []
      for (const path of paths) {
        const { address, publicKey } = await device.cosmos.getAccount({ path, prefix })
        read.push({ path, address, algo: 'secp256k1', pubkey: bytesOf(publicKey) })
      }
      accounts = read
    })
  }

  /** signs calls the device for one of the accounts. Another wallet has another account at its path, and is refused. */
  async function signs<T>(address: unknown, sign: (device: Device, options: { path: string; prefix: string; from: string }) => Promise<T>) {
    try {
      if (accounts === undefined) throw refused(4100, 'invalid-argument', 'The site has to ask for the accounts first.')
      const account = accounts.find((one) => one.address === address)
      if (account === undefined) throw refused(4100, 'invalid-argument', 'The address is none of the accounts.')
      return await use(false, (device) => sign(device, { path: account.path, prefix, from: account.address }))
    } catch (thrown) {
      // The next getAccounts asks for what has changed: the wallet, or the binding.
      const { code, data } = Object(thrown) as { code?: unknown; data?: { at?: string; reason?: string } }
      if (code === 'not-bound' || code === 'bound-elsewhere' || (data?.at === 'from' && data.reason === 'foreign-from'))
        accounts = undefined
      throw rpcError(thrown)
    }
  }

  async function signAmino(address: string, document: CosmosAminoDocument) {
    const copy = structuredClone(document)
    if (connected)
      return wallet<{ signed: CosmosAminoDocument; signature: CosmosSignature }>('cosmos_signAmino', { from: address, document: copy })
    const { signed, signature } = await signs(address, async (device, by) => device.cosmos.signAmino(copy, by))
    return { signed, signature }
  }

  return {
    isImKey: true,
    async getAccounts() {
      try {
        if (accounts === undefined) await (asking ??= ask().finally(() => (asking = undefined)))
      } catch (thrown) {
        throw rpcError(thrown)
      }
      return accounts!.map(({ address, algo, pubkey }) => ({ address, algo, pubkey: pubkey.slice() }))
    },
    signAmino,
    async signDirect(address, { bodyBytes, authInfoBytes, chainId, accountNumber }) {
      // cosmjs broadcasts the bytes of the result. So these are the ones that are signed, whatever becomes of the page's.
      const signed: CosmosSignDoc = { bodyBytes: copyOf(bodyBytes), authInfoBytes: copyOf(authInfoBytes), chainId, accountNumber }
      if (connected) {
        const { signature } = await wallet<{ signature: CosmosSignature }>('cosmos_signDirect', {
          ...signed,
          from: address,
          accountNumber: String(accountNumber),
        })
        return { signed, signature }
      }
      const { signature } = await signs(address, (device, by) => device.cosmos.signDirect(structuredClone(signed), by))
      return { signed, signature }
    },
    async signArbitrary(_, signer, data) {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : copyOf(data)
      const { signature } = await signAmino(signer, {
        chain_id: '',
        account_number: '0',
        sequence: '0',
        fee: { gas: '0', amount: [] },
        msgs: [{ type: 'sign/MsgSignData', value: { signer, data: base64(bytes) } }],
        memo: '',
      })
      return signature
    },
  }
}

function copyOf(bytes: unknown): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw rpcError(malformed('Expected bytes.'))
  return bytes.slice()
}

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16))

const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
