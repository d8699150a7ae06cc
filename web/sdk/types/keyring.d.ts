/**
 * A wallet module for web3-onboard: `init({ wallets: [imKey()], chains: […] })`. For wallet extensions: a bridge to the device in another
 * document, and keyrings in the shape of MetaMask's. docs/extensions.md is the guide.
 *
 * @module imkey-connect/keyring
 */

import type { LoadOptions, NodeOptions, Provider, ProviderOptions, SignedTransaction, TransactionRequest, TypedData } from './imkey.js'

/** The part of web3-onboard's helpers that the module needs. A chain without an rpcUrl, here or in the options, is left out, and so is
 * one that cannot be used: see `unusableChains` of the provider. */
export interface OnboardHelpers {
  readonly chains: readonly {
    readonly id: string | number
    readonly rpcUrl?: string | null
    readonly token?: string
    readonly label?: string
  }[]
}

/** What web3-onboard needs of a wallet. */
export interface OnboardModule {
  /** The name of the wallet in the list. */
  label: string
  /** Resolves to the icon, a data URI. */
  getIcon(): Promise<string>
  /** Resolves to the provider. Its `disconnect` revokes the site's permission. */
  getInterface(helpers: any): Promise<{ provider: Provider & any }>
}

/** The options of createProvider, except for the chains, which are web3-onboard's. */
export interface OnboardOptions extends Omit<ProviderOptions, 'chains' | 'chainId'> {
  /** The name of the wallet in the list. Default: imKey. */
  label?: string
  /** The addresses of nodes by chain id. Default: the chain's rpcUrl. */
  rpcUrls?: Readonly<Record<number, string | readonly (string | NodeOptions)[]>>
  /** The `maxFee` of a chain, by chain id. */
  maxFees?: Readonly<Record<number, bigint>>
}

/** Makes a wallet for `wallets` of web3-onboard's init. */
export function imKey(options?: OnboardOptions): () => OnboardModule
export default imKey

/** The paths of accounts: `bip44`: m/44'/60'/0'/0/n, the default. `ledger-live`: m/44'/60'/n'/0/0. `legacy`: m/44'/60'/0'/n. */
export type PathScheme = 'bip44' | 'ledger-live' | 'legacy'

/** Hex digits after 0x. */
export type Hex = `0x${string}`

/** What a bridge says of the device. */
export interface BridgeState {
  /**
   * `unplugged`: no known imKey is plugged in. `locked`: its PIN has to be entered. `unbound`, `bound-elsewhere`: it has to be bound in a page
   * of the extension. `unlocked`: it can be used.
   */
  readonly state: 'unplugged' | 'locked' | 'unbound' | 'bound-elsewhere' | 'unlocked'
  /** The USB serial number. */
  readonly serial?: string
}

/** Which device, and when to stop. */
export interface BridgeCall {
  /** The USB serial number of the device. Without it, it is the only one that is plugged in. */
  readonly serial?: string
  /** Aborts the call: the device is told to cancel. */
  readonly signal?: AbortSignal
}

/** Who signs. */
export interface BridgeSigner extends BridgeCall {
  /** The path of the account. */
  readonly path: string
  /** The expected address. If the device has another wallet, the call rejects with `invalid-argument` and `data.reason` `foreign-from`. */
  readonly from?: string
}

/**
 * The device, for a wallet that keeps it in a document of its own. Every promise rejects with an ImKeyError, whose `code` says what went
 * wrong: also where the document is another one than that of the caller. If that document is gone, the code is `internal` with `data.reason`
 * `bridge-gone`.
 */
export interface Bridge {
  /** Resolves to whether the device can be used. */
  getState(call?: BridgeCall): Promise<BridgeState>
  /** Resolves to the accounts at paths. With `verify`, the user confirms each address on the device. */
  getAddresses(call: BridgeCall & { readonly paths: readonly string[]; readonly verify?: boolean }): Promise<{
    readonly serial: string
    readonly accounts: readonly { readonly path: string; readonly address: string; readonly publicKey: string }[]
  }>
  /** Signs a complete transaction. */
  signTransaction(
    call: BridgeSigner & { readonly transaction: TransactionRequest },
  ): Promise<Pick<SignedTransaction, 'raw' | 'hash' | 'r' | 's' | 'yParity' | 'v'>>
  /** Signs bytes, in hex after 0x, with EIP-191's prefix, and resolves to the signature: 65 bytes in hex. */
  signMessage(call: BridgeSigner & { readonly message: string }): Promise<string>
  /** Signs typed data of EIP-712, and resolves to the signature: 65 bytes in hex. */
  signTypedData(call: BridgeSigner & { readonly typedData: TypedData; readonly version: 'V3' | 'V4' }): Promise<string>
  /** Deletes the binding of a device; without a serial number, of all. */
  forget(call?: BridgeCall): Promise<void>
}

/** The options of a bridge: those of loadImKey. */
export type BridgeOptions = LoadOptions

/** The part of a port of chrome.runtime that is used. */
export interface ExtensionPort {
  /** The name that `connect` gave it. */
  readonly name: string
  /** Who connected. */
  readonly sender?: { readonly id?: string; readonly url?: string; readonly origin?: string }
  /** The messages that the other side posted. */
  readonly onMessage: {
    /** Calls the listener with each message. */
    addListener(listener: (message: any) => void): void
  }
  /** The end of the other side. */
  readonly onDisconnect: {
    /** Calls the listener when the other side is gone. */
    addListener(listener: () => void): void
  }
  /** Sends a message to the other side. */
  postMessage(message: any): void
  /** Closes the port. */
  disconnect(): void
}

/** The part of chrome.runtime that is used. */
export interface Extension {
  /** The extension's own id. */
  readonly id?: string
  /** Why the last call failed. */
  readonly lastError?: unknown
  /** The ports that other parts of the extension open. */
  readonly onConnect: {
    /** Calls the listener with each new port. */
    addListener(listener: (port: any) => void): void
    /** Stops calling the listener. */
    removeListener(listener: (port: any) => void): void
  }
  /** Gives the address of a file of the extension. */
  getURL(path: string): string
  /** Opens a port to the other parts of the extension. */
  connect(options: { name: string }): ExtensionPort
}

/** A bridge that is served. */
export interface Serving {
  /** Stops answering new requests. */
  stop(): void
}

/** Makes a bridge that uses the device from this document. It can be a page or an offscreen document, and no service worker. */
export function localBridge(options?: BridgeOptions): Bridge

/**
 * Serves a bridge to the other parts of this extension: call it in the offscreen document. Content scripts and web pages cannot use it.
 * When the part that asked is gone, the device is told to cancel.
 */
export function serveBridge(
  options?: BridgeOptions & {
    /** Default: `chrome.runtime`. */
    runtime?: Extension
    /** What to serve. Default: a `localBridge`. */
    bridge?: Bridge
  },
): Serving

/** Gives the bridge that another document of this extension serves. It works in a service worker. */
export function connectBridge(options?: {
  /** Default: `chrome.runtime`. */
  runtime?: Extension
  /** Makes sure that the document which serves the bridge is there, such as by chrome.offscreen.createDocument. */
  prepare?: () => Promise<unknown>
}): Bridge

/** The options of a keyring. */
export interface KeyringOptions {
  /** How the keyring reaches the device. */
  bridge: Bridge
  /** The paths of its accounts. Default: `bip44`. */
  pathScheme?: PathScheme
}

/** What `serialize` gives of a keyring: addresses, paths and the serial number of the device. It holds no secret. */
export interface KeyringState {
  [field: string]: any
  /** The paths of new accounts. */
  scheme: PathScheme
  /** The USB serial number of the device. */
  serial?: string
  /** The accounts. */
  accounts: { address: string; path: string }[]
}

/** An account that the user can choose. */
export interface PageAccount {
  /** The address, in lower case. */
  readonly address: Hex
  /** The index in the path scheme. */
  readonly index: number
  /** Not known here. */
  readonly balance: null
}

/**
 * A keyring in the shape of `Keyring` of `@metamask/keyring-utils`, and of MetaMask's hardware keyrings. It does not depend on MetaMask's
 * packages. There is no `exportAccount`, since keys never leave the device, and no `signMessage`, `signEip7702Authorization` and
 * `decryptMessage`, which the device cannot do.
 */
export class ImKeyKeyring {
  /** The name of this type of keyring. */
  static readonly type: string
  constructor(options: KeyringOptions)
  /** The name of this type of keyring. */
  readonly type: string
  /** Resolves to the state, as JSON. */
  serialize(): Promise<KeyringState>
  /** Takes the state that `serialize` gave. Rejects with `invalid-argument` if it is malformed, and then changes nothing. */
  deserialize(state: any): Promise<void>
  /** Resolves to the addresses, in lower case. */
  getAccounts(): Promise<Hex[]>
  /** Adds the next accounts of the path scheme, or those from `setAccountToUnlock` on, and resolves to their addresses. Default: 1. */
  addAccounts(number?: number): Promise<Hex[]>
  /** Removes an account. */
  removeAccount(address: string): void
  /** Sets the index from which `addAccounts` adds. */
  setAccountToUnlock(index: number | string): void
  /** Sets the path scheme of new accounts. */
  setHdPath(scheme: PathScheme): void
  /** Reads the first five accounts, from which the user can choose. It adds none. */
  getFirstPage(): Promise<PageAccount[]>
  /** Reads the next five accounts. */
  getNextPage(): Promise<PageAccount[]>
  /** Reads the five accounts before. */
  getPreviousPage(): Promise<PageAccount[]>
  /** Resolves to whether the device can be used now. */
  isUnlocked(): Promise<boolean>
  /** Resolves to the address of the first account. Rejects where the device cannot be used, with a code that says why. */
  unlock(): Promise<Hex>
  /** Drops the accounts, and deletes the extension's binding of the device. */
  forgetDevice(): Promise<void>
  /** Drops the accounts. */
  destroy(): Promise<void>
  /** Signs a transaction of `@ethereumjs/tx`, and resolves to a signed one of the same class. */
  signTransaction(address: string, transaction: any): Promise<any>
  /** Signs bytes, in hex after 0x, with EIP-191's prefix. */
  signPersonalMessage(address: string, message: string): Promise<string>
  /** Signs typed data of EIP-712, V3 or V4. Default: V4. Version V1 is `unsupported-method`. */
  signTypedData(address: string, typedData: any, options?: { version?: any }): Promise<string>
}

/** An account in the shape of `KeyringAccount` of `@metamask/keyring-api`. */
export interface KeyringAccount {
  /** A UUID that follows from the address. */
  id: string
  type: 'eip155:eoa'
  /** The address, in lower case. */
  address: Hex
  scopes: 'eip155:0'[]
  methods: ('personal_sign' | 'eth_signTransaction' | 'eth_signTypedData_v3' | 'eth_signTypedData_v4')[]
  options: {
    entropy: { type: 'mnemonic'; id: string; derivationPath: string; groupIndex: number }
    exportable: false
  }
}

/** How accounts are created, as in `@metamask/keyring-api/v2`. The other ways are `unsupported-method`. */
export type CreateAccountOptions =
  | { type: 'bip44:derive-path'; entropySource: string; derivationPath: string }
  | { type: 'bip44:derive-index'; entropySource: string; groupIndex: number }
  | { type: 'bip44:derive-index-range'; entropySource: string; range: { from: number; to: number } }
  | { type: 'bip44:discover'; entropySource: string; groupIndex: number }
  | { type: 'custom' | 'private-key:import' }

/** A request in the shape of `KeyringRequest` of `@metamask/keyring-api`. */
export interface KeyringRequest {
  readonly account: string
  readonly request: { readonly method: string; readonly params?: any }
}

/** A signed transaction of `eth_signTransaction`: the fields of the request with the signature, as `fromTxData` of `@ethereumjs/tx` takes it. */
export interface SignedTransactionData {
  readonly [field: string]: any
  readonly r: string
  readonly s: string
  readonly v: string
}

/** The options of an ImKeyKeyringV2. */
export interface KeyringV2Options<T extends string = 'hd'> extends KeyringOptions {
  /** The keyring's type. MetaMask's list has none for an imKey, so a wallet may pass one of its own. Default: `hd`. */
  type?: T
  /** Says whether an address has been used on a chain. Without it, the keyring does not discover accounts. */
  isUsed?: (address: Hex) => Promise<boolean>
  /** The id of the entropy source. Another one is refused. Default: that of the first request. */
  entropySource?: string
}

/** A keyring in the shape of `Keyring` of `@metamask/keyring-api/v2`. It does not depend on MetaMask's packages. */
export class ImKeyKeyringV2<T extends string = 'hd'> {
  constructor(options: KeyringV2Options<T>)
  readonly type: T
  /** Which accounts it creates: by path, index and range; with `isUsed` also by discovery. */
  readonly capabilities: {
    scopes: 'eip155:0'[]
    bip44: { derivePath: boolean; deriveIndex: boolean; deriveIndexRange: boolean; discover: boolean }
  }
  /** Resolves to the state, as JSON. */
  serialize(): Promise<KeyringState>
  /** Takes the state that `serialize` gave. Rejects with `invalid-argument` if it is malformed, and then changes nothing. */
  deserialize(state: any): Promise<void>
  /** Resolves to the accounts. */
  getAccounts(): Promise<KeyringAccount[]>
  /** Resolves to an account, by its id. */
  getAccount(id: string): Promise<KeyringAccount>
  /**
   * Reads accounts from the device, at most 100 at once, and adds them. It resolves to all of them, also to those that were there before.
   * A discovery resolves to the account at the index if it was used, or to an empty list.
   */
  createAccounts(options: any): Promise<KeyringAccount[]>
  /** Removes an account. */
  deleteAccount(id: string): Promise<void>
  /** Reads a page of accounts from which the user can choose. It adds none. Pages count from 0, and have 5 accounts unless `size` says otherwise. */
  getPage(page: number, size?: number): Promise<PageAccount[]>
  /** Carries out a request of one of the account's `methods`. */
  submitRequest(request: any): Promise<any>
  /** Drops the accounts. */
  destroy(): Promise<void>
}
