// What a signer for cosmjs does whatever its wallet is, and how a wallet makes one known to sites.

import { Refusal } from '../provider/refusal'
import type { CosmosAccount, CosmosProvider, CosmosProviderDetail, CosmosSignature, CosmosSignDoc, CosmosSigner } from '../types/cosmos'
import type { CosmosAminoDocument, ErrorCode } from '../types/imkey'
import { announced } from './announce'
import type { Ask } from './ask'

/** CosmosWallet signs with the accounts that the user chose. */
export interface CosmosWallet {
  /** Asks the user, and gives the accounts. */
  connect(): Promise<readonly KnownAccount[]>
  signAmino(document: CosmosAminoDocument, account: KnownAccount): Promise<{ signed: CosmosAminoDocument; signature: CosmosSignature }>
  signDirect(document: CosmosSignDoc, account: KnownAccount): Promise<CosmosSignature>
}

/** KnownAccount is an account with its path. */
export interface KnownAccount extends CosmosAccount {
  readonly path: string
}

/** Made is a signer, and what its wallet tells it. */
export interface Made {
  readonly signer: CosmosSigner
  /** The accounts changed: with none, the permission was taken. */
  readonly changed: (accounts: readonly KnownAccount[]) => void
}

const refused = (number: number, code: ErrorCode, message: string) => new Refusal(number, message, code)

const malformed = (message: string, cause?: unknown) => new Refusal(-32602, message, 'invalid-argument', false, cause)

/** copyOf copies what a page gave, so that it stays as it is while the user decides. */
function copyOf<T>(value: T): T {
  try {
    return structuredClone(value)
  } catch (cause) {
    throw malformed('The document has values that cannot be copied.', cause)
  }
}

/** makeCosmosSigner makes the signer. error makes the error of a request, with the code of EIP-1193. */
export function makeCosmosSigner(wallet: CosmosWallet, error: (thrown: unknown) => Error): Made {
  let accounts: readonly KnownAccount[] | undefined
  let asking: Promise<void> | undefined
  const changed = (now: readonly KnownAccount[]) => {
    accounts = now.length > 0 ? now : undefined
  }

  /** signs calls the wallet for one of the accounts. Another wallet has another account at its path, and is refused. */
  async function signs<T>(address: unknown, sign: (account: KnownAccount) => Promise<T>): Promise<T> {
    try {
      if (accounts === undefined) throw refused(4100, 'invalid-argument', 'The site has to ask for the accounts first.')
      const account = accounts.find((one) => one.address === address)
      if (account === undefined) throw refused(4100, 'invalid-argument', 'The address is none of the accounts.')
      return await sign(account)
    } catch (thrown) {
      // The next getAccounts asks for what has changed: the wallet, or the binding.
      const { code, data } = Object(thrown) as { code?: unknown; data?: { at?: string; reason?: string } }
      if (code === 'not-bound' || code === 'bound-elsewhere' || (data?.at === 'from' && data.reason === 'foreign-from'))
        accounts = undefined
      throw error(thrown)
    }
  }

  const signAmino = (address: string, document: CosmosAminoDocument) =>
    signs(address, async (account) => wallet.signAmino(copyOf(document), account))

  const signer: CosmosSigner = {
    isImKey: true,
    async getAccounts() {
      try {
        if (accounts === undefined)
          await (asking ??= wallet
            .connect()
            .then(changed)
            .finally(() => (asking = undefined)))
        if (accounts === undefined) throw refused(4100, 'invalid-argument', 'The site has no permission for an account, or not any more.')
        return accounts.map(({ address, algo, pubkey }) => ({ address, algo, pubkey: pubkey.slice() }))
      } catch (thrown) {
        throw error(thrown)
      }
    },
    signAmino: async (address, document) => signAmino(address, document),
    signDirect: async (address, document) =>
      signs(address, async (account) => {
        const { bodyBytes, authInfoBytes, chainId, accountNumber } = Object(document) as CosmosSignDoc
        if (!(bodyBytes instanceof Uint8Array) || !(authInfoBytes instanceof Uint8Array)) throw malformed('Expected bytes.')
        // cosmjs broadcasts the bytes of the result. So these are the ones that are signed, whatever becomes of the page's.
        const signed: CosmosSignDoc = copyOf({
          bodyBytes: new Uint8Array(bodyBytes),
          authInfoBytes: new Uint8Array(authInfoBytes),
          chainId,
          accountNumber,
        })
        return { signed, signature: await wallet.signDirect(structuredClone(signed), account) }
      }),
    async signArbitrary(_, signer, data) {
      if (typeof data !== 'string' && !(data instanceof Uint8Array)) throw error(malformed('Expected bytes.'))
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
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
  return { signer, changed }
}

/** brokerCosmos is the wallet of a broker. */
export function brokerCosmos(ask: Ask, prefix: string): CosmosWallet {
  return {
    connect: async () => cosmosAccountsOf(await ask('cosmos_requestAccounts', { network: prefix })),
    signAmino: async (document, { address }) =>
      (await ask('cosmos_signAmino', { from: address, document })) as { signed: CosmosAminoDocument; signature: CosmosSignature },
    signDirect: async (document, { address }) => {
      const asked = await ask('cosmos_signDirect', { ...document, from: address, accountNumber: String(document.accountNumber) })
      return (asked as { signature: CosmosSignature }).signature
    },
  }
}

/** cosmosAccountsOf reads accounts that a broker sent. */
export function cosmosAccountsOf(value: unknown): KnownAccount[] {
  const list = Array.isArray(value) ? (value as { address: string; path: string; publicKey: string }[]) : []
  return list.map(({ address, path, publicKey }) => ({ path, address, algo: 'secp256k1', pubkey: bytesOf(publicKey) }))
}

export const bytesOf = (hex: string) => Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16))

const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))

/** The events between a wallet and a site, as those of EIP-6963 are. No standard has a name for them. */
const names = { announce: 'imkey-connect:announceCosmosProvider', request: 'imkey-connect:requestCosmosProvider' }

export const announceCosmosProvider = (provider: CosmosProvider, info?: Partial<CosmosProviderDetail['info']>): (() => void) =>
  announced(names, provider, info)

export function onCosmosProvider(found: (detail: CosmosProviderDetail) => void): () => void {
  const known = new Set<string>()
  const hear = (event: Event) => {
    const { detail } = event as CustomEvent<CosmosProviderDetail | null>
    const { uuid } = Object(detail?.info) as { uuid?: unknown }
    if (typeof uuid !== 'string' || typeof detail?.provider?.getOfflineSigner !== 'function' || known.has(uuid)) return
    known.add(uuid)
    found(detail)
  }
  globalThis.addEventListener?.(names.announce, hear)
  globalThis.dispatchEvent?.(new Event(names.request))
  return () => globalThis.removeEventListener?.(names.announce, hear)
}
