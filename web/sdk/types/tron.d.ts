/**
 * A provider for TRON by TIP-1193 and TIP-6963: `createTronProvider({ tronWeb })`, then `announceTronProvider(provider)`.
 *
 * No session of a real device was ever recorded for the TRON applet. It was tried on the simulated device only.
 *
 * @module imkey-connect/tron
 */

import type { Interaction, LoadOptions, PairingRequest, ProviderInfo, TypedData } from './imkey.js'

/** A transaction as tronweb and nodes write it. */
export interface TronTransaction {
  readonly txID: string
  readonly raw_data: {
    readonly contract: readonly {
      readonly type?: string
      readonly parameter?: { readonly value?: any }
      readonly Permission_id?: number
    }[]
  }
  readonly raw_data_hex: string
  readonly signature?: readonly string[]
}

/** A transaction with its signatures, for tronweb's sendRawTransaction. */
export type SignedTronTransaction = Omit<TronTransaction, 'signature'> & { readonly signature: readonly string[] }

/** The part of tronweb's TronWeb that the provider needs. */
export interface TronWeb {
  /** The methods that sign are replaced. */
  trx?: object
  /** The account, or false. */
  defaultAddress?: { base58?: string | false; hex?: string | false; name?: string | false }
  /** Is called with the account. */
  setAddress?(address: string): void
}

/** The methods of `trx` that ask the device. An argument that is a private key is refused. */
export interface TronSigner {
  /**
   * Signs a transaction. One whose JSON and raw data contradict each other, or whose owner is not the
   * account, is refused with -32602 or 4100.
   */
  sign(transaction: TronTransaction, privateKey?: undefined): Promise<SignedTronTransaction>
  /** Signs a message in hex with the prefix of version 1, of TRON or of Ethereum. */
  sign(message: string, privateKey?: undefined, useTronHeader?: boolean): Promise<string>
  /** Signs text or bytes (TIP-191). */
  signMessageV2(message: string | Uint8Array | readonly number[]): Promise<string>
  /** Signs typed data (TIP-712). */
  signTypedData(domain: object, types: TypedData['types'], message: object): Promise<string>
  /** The same as `signTypedData`. */
  _signTypedData(domain: object, types: TypedData['types'], message: object): Promise<string>
  /** Adds the account's signature to a transaction of its own that is signed by several keys. */
  multiSign(transaction: TronTransaction, privateKey?: undefined, permissionId?: number): Promise<SignedTronTransaction>
}

/** The options of createTronProvider. */
export interface TronProviderOptions extends LoadOptions {
  /**
   * The site's TronWeb, such as `new TronWeb({ fullHost: 'https://api.trongrid.io' })`. It makes and sends transactions. Its methods
   * that sign are replaced by those of the device. Default: an object that has only these.
   */
  tronWeb?: TronWeb
  /** The network of the site's nodes, which eth_chainId returns. Default: 0x2b6653dc, the main network. */
  chainId?: string
  /** The path of the account. Default: m/44'/195'/0'/0/0. With a connector, the user chooses accounts there. */
  path?: string
  /**
   * The address of a connector, as in createProvider: it has the device, and asks the user. Then `path`, `pairing` and the options of loadImKey
   * are not used. `eth_requestAccounts` and each signature open its window in a click.
   */
  connector?: string | URL
  /** What happens when the device is not bound to this site, as in createProvider. Default: the dialog. */
  pairing?: 'dialog' | 'none' | ((request: PairingRequest) => Promise<unknown>)
  /** Is called with what the user has to do on the device, as the event `interaction` of a device. A connector shows that itself. */
  onInteraction?: (interaction: Interaction) => void
}

/**
 * A provider of TIP-1193. Its errors are instances of ProviderRpcError.
 *
 * `request` has `eth_requestAccounts` and `tron_requestAccounts`, which open the chooser and the binding dialog in a click, `eth_accounts`,
 * `tron_accounts`, `eth_chainId`, `wallet_switchEthereumChain` for the network that it has, and `wallet_revokePermissions`. It emits
 * `connect`, `disconnect` and `accountsChanged`.
 */
export interface TronProvider {
  readonly isImKey: true
  /** TronWeb, with methods that ask the device. */
  readonly tronWeb: TronWeb & { readonly trx: TronSigner }
  /** Answers a request. Rejects with a ProviderRpcError. */
  request(request: { readonly method: string; readonly params?: readonly unknown[] | object }): Promise<unknown>
  /** Adds a listener for an event. */
  on(event: string, listener: (payload: any) => void): TronProvider
  /** Removes a listener. */
  removeListener(event: string, listener: (payload: any) => void): TronProvider
}

/** Makes a provider. It loads nothing before the first request. */
export function createTronProvider(options?: TronProviderOptions): TronProvider

/** Announces a provider by TIP-6963, now and whenever a dApp asks. Returns a function that ends that. */
export function announceTronProvider(provider: TronProvider, info?: ProviderInfo): () => void
