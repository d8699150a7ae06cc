// imkey.js connects a web page to an imKey hardware wallet over WebUSB.
//
// It is an ES module without dependencies and sets no global. It can be imported outside a browser; only loadImKey needs one.
// docs/dapps.md says how to use it on a site.

/**
 * What went wrong, for programs to branch on; codes keep their meaning for ever.
 *
 * - `unsupported`: no WebUSB, or no secure context; `data.reason` says which, as `isSupported` does
 * - `no-device`: nothing known is plugged in
 * - `request-cancelled`: the chooser was closed without a choice (a browser does not tell whether it was empty)
 * - `permission-denied`: a permission was refused or revoked, a Permissions-Policy or the system's access rights
 *   (a udev rule on Linux, a driver on Windows) stand in the way
 * - `not-imkey`: the device has no matching interface, or does not answer as an imKey does
 * - `boot-loader`: the device is in its boot loader
 * - `device-disconnected`: it was unplugged
 * - `device-busy`: it is still at another operation
 * - `in-use-elsewhere`: another tab or program holds it. `data.holder`: `'tab'` is one of this site, which
 *   `open({ takeOver: true })` asks to let go, `'program'` any other. `data.reason`: `'no-answer'` where that tab was asked and
 *   did not, as it sleeps; `'taken-over'` where it was this tab that was asked
 * - `timeout`: it did not answer in time
 * - `aborted`: the caller's signal; or, with `data.reason` `'page-hidden'`, the browser froze the page or put it away meanwhile
 * - `protocol`: an answer that is malformed, contradictory or wrongly signed
 * - `user-rejected`: the person declined on the device
 * - `code-format`: not a binding code; nothing was sent. `data`: `{ position, character, hint? }`, positions from 1
 * - `wrong-code`: the device says that it is another code
 * - `code-locked`: too many wrong codes; the device checks no more
 * - `not-bound`: the operation needs a binding
 * - `bound-elsewhere`: the device is bound to another app or browser
 * - `untrusted-device`: the certificate did not prove that the device is genuine; nothing that depends on the code was sent
 * - `device-mismatch`: another secure element than the one that this browser bound; or the file is another device's. `data.reason`
 *   is `'secure-element'` where the file is for the SEID of a device that was met here with another key
 * - `locked`: the PIN has not been entered
 * - `wallet-missing`: there is no wallet on the device yet
 * - `in-menu`: the device shows a menu; its home page is needed
 * - `applet-missing`: the device does not have the application
 * - `storage`, `storage-full`: the browser's storage is blocked or failing, or has no room
 * - `record-corrupt`: what was stored does not authenticate, or comes from another version
 * - `record-exists`: this browser knows the device already, and the import was not told to replace that. `data`: `{ seid, serial }`
 *   of the device
 * - `file-invalid`: nothing that can be imported; `data.reason` is `not-a-binding` for any other file, `damaged` for one that
 *   was cut or changed, `version` for one of a later version of this library
 * - `wrong-passphrase`: the file was encrypted with another one
 * - `invalid-argument`: the caller's mistake
 * - `unsupported-method`: the device does not know the instruction
 * - `internal`: a fault in this library, or it could not load its own parts
 */
export type ErrorCode =
  | 'unsupported'
  | 'no-device'
  | 'request-cancelled'
  | 'permission-denied'
  | 'not-imkey'
  | 'boot-loader'
  | 'device-disconnected'
  | 'device-busy'
  | 'in-use-elsewhere'
  | 'timeout'
  | 'aborted'
  | 'protocol'
  | 'user-rejected'
  | 'code-format'
  | 'wrong-code'
  | 'code-locked'
  | 'not-bound'
  | 'bound-elsewhere'
  | 'untrusted-device'
  | 'device-mismatch'
  | 'locked'
  | 'wallet-missing'
  | 'in-menu'
  | 'applet-missing'
  | 'storage'
  | 'storage-full'
  | 'record-corrupt'
  | 'record-exists'
  | 'file-invalid'
  | 'wrong-passphrase'
  | 'invalid-argument'
  | 'unsupported-method'
  | 'internal'

/**
 * The error of every promise that this library rejects. `message` is for the user: what happened and what to do next, in English.
 * Details for a developer may follow in parentheses. The message may change between versions: programs should use `code`, which
 * the message does not contain.
 */
export class ImKeyError extends Error {
  constructor(code: ErrorCode, message: string, details?: ErrorDetails)
  readonly name: 'ImKeyError'
  readonly code: ErrorCode
  /** The status word that the device answered, 0 to 0xFFFF, if it answered one. */
  readonly statusWord?: number
  /** Whether the same call may succeed later without a change in the program, for example after the user unlocks the device. */
  readonly retryable: boolean
  /** Facts for programs, by name. They hold no secret. */
  readonly data?: Readonly<Record<string, unknown>>
}

export interface ErrorDetails {
  statusWord?: number
  /** Default: false. */
  retryable?: boolean
  data?: Readonly<Record<string, unknown>>
  cause?: unknown
}

/** Why WebUSB is not available. */
export type UnsupportedReason =
  /** The program is not a browser, for example Node. */
  | 'not-a-browser'
  /** The page was loaded over plain http. It needs https or localhost. */
  | 'insecure-context'
  /** The page is in a frame without `allow="usb"`, or the site's own Permissions-Policy forbids USB. */
  | 'permissions-policy'
  /** The browser does not have WebUSB. Chrome, Edge, Opera and other browsers based on Chromium have it. */
  | 'no-webusb'

/** Reports whether this page can use WebUSB. It asks for no permission and never throws. */
export function isSupported(): { readonly supported: boolean; readonly reason?: UnsupportedReason }

/**
 * The part of `navigator.usb` that this library uses. `navigator.usb` has this type, and so may any object that behaves like it,
 * with devices that behave like a USBDevice.
 */
export interface USBSource {
  getDevices(): Promise<USBSourceDevice[]>
  requestDevice(options: { filters: { vendorId?: number }[] }): Promise<USBSourceDevice>
  addEventListener(type: 'connect' | 'disconnect', listener: (event: any) => void): void
  removeEventListener(type: 'connect' | 'disconnect', listener: (event: any) => void): void
}

/** A USBDevice of the browser, or an object that behaves like one. */
export interface USBSourceDevice {
  readonly vendorId: number
  readonly productId: number
  readonly serialNumber?: string | null
  readonly productName?: string | null
}

/**
 * A store of binding records. The key is the SEID of the device: 32 upper-case hex digits. A record holds the app key, by which the
 * device recognises this app. `put` must not resolve before the record survives a loss of power.
 */
export interface Store {
  /** Resolves to undefined if there is no record. */
  get(seid: string): Promise<Uint8Array | undefined>
  put(seid: string, record: Uint8Array): Promise<void>
  delete(seid: string): Promise<void>
  list(): Promise<string[]>
}

export interface LoadOptions {
  /**
   * The address of imkey.wasm. Default: beside imkey.js. All calls on a page share one instance of the module; the first call that
   * loads it decides.
   */
  wasmURL?: string | URL
  /** The address of imkey-backup.wasm, which `exportBinding` and `importBinding` load. Default: beside imkey.js. */
  backupWasmURL?: string | URL
  /** Default: `navigator.usb`. */
  usb?: USBSource
  /**
   * Where records are kept. `'indexeddb'`, the default, encrypts them with a key that no script can export. `'memory'` lasts as long as
   * the page.
   */
  store?: 'indexeddb' | 'memory' | Store
  /**
   * The public keys of the trusted CAs, which may sign attestation certificates: uncompressed secp256k1 points, 130 hex digits each.
   * Default: the CAs that are built in. `[]` trusts none.
   */
  trustedCAs?: readonly string[]
  /**
   * Whether `bind` accepts a device whose certificate no trusted CA signed. The secure element's key is then kept in the record at the
   * first binding, and another key is refused from then on. Default: false.
   */
  allowUnverified?: boolean
  /**
   * Whether the record keeps the binding code, encrypted, for `revealBindingCode`. Tell the user so when you ask for the code.
   * Default: true.
   */
  rememberCode?: boolean
}

/**
 * Prepares this page for imKeys. It loads little: the WebAssembly module is loaded when a call needs it, at the latest while the
 * user chooses a device. Each call has its own options; all calls share one store.
 *
 * Rejects with `unsupported` if WebUSB is not available and no `usb` is given, with `permission-denied` in a frame that may not use
 * USB, and with `invalid-argument` for an option of a wrong type.
 */
export function loadImKey(options?: LoadOptions): Promise<ImKey>

export interface ImKeyEventMap {
  /** An imKey that this page may use was plugged in. */
  connect: CustomEvent<{ readonly device: Device }>
  /** An imKey that this page may use was unplugged. */
  disconnect: CustomEvent<{ readonly device: Device }>
  /** A call on this page changed what `knownDevices` reports. Changes by other tabs are not reported. */
  knownchange: CustomEvent<{ readonly seid: string }>
}

/** What this browser's record says about a device, whether or not it is plugged in. */
export interface KnownDevice {
  /** The id of the secure element, 32 upper-case hex digits. It is the key of the record. */
  readonly seid: string
  /** The imKey's serial number; empty if the record is unreadable. */
  readonly serial: string
  /** The name that the user gave it, or null. */
  readonly name: string | null
  /**
   * The state of the binding, as far as this browser knows. Only the device itself can say what it is now.
   *
   * - `bound`: the device confirmed the binding when it was last asked
   * - `unfinished`: the device was opened but not bound, or a binding was interrupted
   * - `imported`: another browser bound the device, and its binding was imported from a file; the device has not confirmed it yet
   * - `former`: the device was bound, but when it was last asked it was bound to another app or to none
   * - `unreadable`: the record does not authenticate, or a later version of this library wrote it. It stays until it is forgotten.
   */
  readonly state: 'bound' | 'unfinished' | 'imported' | 'former' | 'unreadable'
  /** When the device was last bound, in whole seconds; null if it never was. */
  readonly boundAt: Date | null
  /** Whether a trusted CA had signed the certificate when the code was last entered; null if no code was entered yet. */
  readonly certificate: 'verified' | 'unverified' | null
  /** The public key of that CA, in hex. */
  readonly certificateKey: string | null
  /** Whether the record keeps the binding code for `revealBindingCode`. Only a bound or imported device has one. */
  readonly codeKept: boolean
}

export interface ImportOptions {
  /** The SEID of the expected device. A file for another device is `device-mismatch`. */
  seid?: string
  /** Whether to replace a record that this browser already has of the device. Default: false, which rejects with `record-exists`. */
  replace?: boolean
  /** Aborts the call. Nothing is imported then. */
  signal?: AbortSignal
}

export class ImKey extends EventTarget {
  private constructor()

  /** Resolves to the plugged-in imKeys that this page already has permission to use. It does not ask the user anything. */
  getDevices(): Promise<Device[]>

  /**
   * Opens the browser's chooser, in which the user chooses an imKey. Call it directly in a click or key handler: browsers open the
   * chooser only in answer to a user's action. A signal cannot close the chooser. It makes the call reject, and the choice is ignored.
   */
  requestDevice(options?: { signal?: AbortSignal }): Promise<Device>

  /** Resolves to the devices of which this browser has a record. It needs no device. */
  knownDevices(): Promise<KnownDevice[]>
  /**
   * Gives a known device a name. White space at both ends is removed. Null or an empty name removes the name. A name of more than 32
   * characters or with control characters is `invalid-argument` with `data.reason` `name`. A device without a record is
   * `invalid-argument` with `data.reason` `unknown-device`.
   */
  rename(seid: string, name: string | null): Promise<void>
  /** Deletes the record of a device, with its key and code, as `Device.forget` does. It does not need the device. */
  forget(seid: string): Promise<void>
  /**
   * Resolves to a file that holds the binding, for another browser of the same user, encrypted with a passphrase. A passphrase of less
   * than 8 characters is `invalid-argument` with `data.reason` `passphrase`. Ask for a stronger one, as this library's own page does:
   * an attacker who has the file can try any number of passphrases. The file with its passphrase gives the binding, and the
   * binding code if the record keeps it. Rejects with `not-bound` if there is no binding. The call takes one or two seconds and loads
   * imkey-backup.wasm.
   *
   * Binding again uses the same app key, so an exported file stays valid. To make it worthless, `forget` the device and bind it again
   * with its code: that makes a new app key, and the device treats the old one as bound elsewhere.
   */
  exportBinding(seid: string, passphrase: string, options?: { signal?: AbortSignal }): Promise<Uint8Array>
  /**
   * Stores a binding from a file that `exportBinding` made. For a File or Blob, pass `new Uint8Array(await file.arrayBuffer())`. The
   * binding is `imported` until the device confirms it at the next `bindingStatus`. That gives `bound-elsewhere` if the device was bound
   * to another app meanwhile.
   *
   * Rejects with `wrong-passphrase`, `file-invalid`, `device-mismatch`, `record-exists`, or a storage error, and then changes nothing.
   * A record of a device that was never bound is replaced without `replace`.
   */
  importBinding(file: Uint8Array, passphrase: string, options?: ImportOptions): Promise<KnownDevice>

  addEventListener<K extends keyof ImKeyEventMap>(
    type: K, listener: (this: ImKey, event: ImKeyEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void
  removeEventListener<K extends keyof ImKeyEventMap>(
    type: K, listener: (this: ImKey, event: ImKeyEventMap[K]) => void, options?: boolean | EventListenerOptions): void
  removeEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void
}

export interface DeviceInfo {
  /** The id of the secure element, 32 upper-case hex digits. */
  readonly seid: string
  /** The imKey's serial number. */
  readonly serial: string
  /** Such as `1.2.34`. */
  readonly firmware: string | null
  readonly bootloader: string | null
  /** In percent; null while the device charges. */
  readonly battery: number | null
  readonly charging: boolean | null
  readonly lifeCycle: string | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  /**
   * The attestation certificate. `verified`: a trusted CA signed it. `unverified`: it is well-formed, but no trusted CA signed it.
   * `invalid`: it is malformed or belongs to another device; such a device is never bound.
   */
  readonly certificate: 'verified' | 'unverified' | 'invalid'
  /** The public key of the trusted CA that signed the certificate, in hex. */
  readonly certificateKey: string | null
  /** Whether the browser promised not to clear this site's storage by itself; null if it was not asked. */
  readonly persisted: boolean | null
  /** The name that the user gave it in this browser, or null. */
  readonly name: string | null
  /** When the device was bound to this browser; null if the record does not say so. */
  readonly boundAt: Date | null
}

/** `bound`: to this site in this browser. `bound-elsewhere`: to another app, which may be another browser, site or phone. */
export type BindingStatus = 'unbound' | 'bound' | 'bound-elsewhere'

/** What the device waits for: the user confirms something on it, or reads the binding code off its screen. */
export interface Interaction {
  readonly state: 'waiting' | 'done'
  readonly reason: 'confirm' | 'read-code'
  /** What the user confirms, if it is for Ethereum. */
  readonly operation?: 'transaction' | 'message' | 'typed-data' | 'address'
  /**
   * Whether the screen does not show all that is signed. For a message with other characters than printable ASCII and newlines it shows
   * a digest.
   */
  readonly blind?: boolean
  /** What the transaction does, for every type of transaction. */
  readonly summary?: TransactionSummary
  /**
   * The strings that the device gets for its screen with a transaction of type 0 or 2. With other types it gets none. For a plain
   * transfer, and for a token that the device knows, it computes payment and receiver itself, so its words may differ. It shows the
   * fee as it is here.
   */
  readonly screen?: { readonly payment: string; readonly receiver: string; readonly fee: string }
}

/** What a transaction does. It is computed from the transaction itself, not from what a page says about it. */
export interface TransactionSummary {
  /** `token-transfer` and `token-approval` are ERC-20's transfer and approve; `call` is any other call of a contract. */
  readonly kind: 'transfer' | 'token-transfer' | 'token-approval' | 'creation' | 'call'
  /** The amount, such as "1.0 ETH" or "Allow UNLIMITED units of token 0x…". */
  readonly payment: string
  /** The receiver or the spender: an address in EIP-55's mixed case, or "new contract". */
  readonly receiver: string
  /**
   * The highest fee that the transaction can cost. The device does not show it for types 1 and 4, so show it on your page: nothing
   * else bounds the gas and the price that the caller gave.
   */
  readonly fee: string
  /** Whether it approves 2^96-1 units or more, which is no limit in practice. */
  readonly unlimited: boolean
}

export interface BindOptions {
  /** Aborts the call: the device is told to cancel, and the call rejects with `aborted` when the device is idle again. */
  signal?: AbortSignal
  /**
   * Whether to accept this device although no trusted CA signed its certificate. Ask the user first. It overrides `allowUnverified` of
   * `loadImKey`: false refuses such a device even if that allows it. Default: `allowUnverified`.
   */
  acceptUnverified?: boolean
  /** Default: `rememberCode` of `loadImKey`. */
  rememberCode?: boolean
  /** Is called when the device begins to wait for the user during this call, and when it ends. */
  onInteraction?: (interaction: Interaction) => void
}

export interface DeviceEventMap {
  interaction: CustomEvent<Interaction>
  bindingchange: CustomEvent<{ readonly status?: BindingStatus }>
  /**
   * The device was unplugged, or its permission was revoked. When it is plugged in again, it is a new object.
   *
   * With the reason `taken-over`, another tab of this site uses the device now. Calls that were under way here ended.
   * `open({ takeOver: true })` of this object takes the device back.
   */
  disconnect: CustomEvent<{ readonly code?: ErrorCode; readonly reason?: 'taken-over' }>
}

/** One imKey. Its calls are carried out one after another. */
export class Device extends EventTarget {
  private constructor()

  /** The serial number from the USB descriptors. It is known before the device is open. */
  readonly serialNumber: string | null
  /** Whether `open` succeeded and `close` was not called after it. */
  readonly opened: boolean
  /** What the last `open` resolved to. Throws `invalid-argument` before the first `open`. */
  readonly info: DeviceInfo
  /** The device's Ethereum wallet. It needs an open, bound device. */
  readonly ethereum: Ethereum

  /**
   * Opens the device and reads what it is. This also works with a device that cannot be verified.
   *
   * Only one tab of a site can use a device at a time. If another tab uses it, the call rejects with `in-use-elsewhere` after a second.
   * With `takeOver`, the other tab releases the device: it cancels what it is doing and gets a `disconnect` event. Ask the user first.
   * That takes 15 s at most, and 3 s if the other tab does not answer.
   *
   * Before the browser freezes this page or stores it in the back/forward cache, the device is released, and calls that are under
   * way reject with `aborted`. `opened` stays true: when the page is active again, the next call opens the device again.
   */
  open(options?: { signal?: AbortSignal; takeOver?: boolean }): Promise<DeviceInfo>
  /** Releases the device, so that other tabs and programs can use it. */
  close(): Promise<void>

  /** Asks the device whether it is bound, and to this app or to another one. */
  bindingStatus(): Promise<BindingStatus>
  /** Makes the device show its binding code on its screen. The device never sends the code. */
  showBindingCode(): Promise<void>
  /**
   * Binds the device to this site in this browser. The code is the 8 characters on the device's screen, in upper or lower case;
   * spaces and dashes are ignored. A malformed code is refused with `code-format` before anything is sent. The code itself never
   * leaves the page. What is computed from it is sent only after the device's certificate was verified, or after the user accepted
   * a device that cannot be verified.
   */
  bind(code: string, options?: BindOptions): Promise<void>
  /**
   * Resolves to the code that the record keeps because of `rememberCode`. The device has to confirm the binding first; that proves
   * that it is plugged in, not who asks. Rejects with `not-bound` and `data.reason` `not-remembered` if no code is kept.
   * `acceptUnverified` is needed if `bind` needed it.
   */
  revealBindingCode(options?: { signal?: AbortSignal; acceptUnverified?: boolean }): Promise<string>
  /** Deletes this browser's record of the device. The device itself stays bound. */
  forget(): Promise<void>

  addEventListener<K extends keyof DeviceEventMap>(
    type: K, listener: (this: Device, event: DeviceEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void
  removeEventListener<K extends keyof DeviceEventMap>(
    type: K, listener: (this: Device, event: DeviceEventMap[K]) => void, options?: boolean | EventListenerOptions): void
  removeEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void
}

/** A whole number from 0: a safe integer, a bigint, or a string of 0x and hex digits. */
export type Quantity = number | bigint | string

/** A complete transaction in the form of JSON-RPC. No node is asked for missing fields. */
export interface TransactionRequest {
  /** 0, 1 (EIP-2930), 2 (EIP-1559) or 4 (EIP-7702, which the device cannot show). Default: the type that the fields imply. */
  type?: Quantity
  /** Required, except for a transaction of type 0 that is valid on every chain. */
  chainId?: Quantity
  /** The address at the path, if given. Another address is `invalid-argument`. */
  from?: string
  /** The receiver. Absent or null if the transaction creates a contract. */
  to?: string | null
  nonce?: Quantity
  gas?: Quantity
  /** The same as `gas`. */
  gasLimit?: Quantity
  gasPrice?: Quantity
  maxFeePerGas?: Quantity
  maxPriorityFeePerGas?: Quantity
  value?: Quantity
  data?: string
  /** The same as `data`. */
  input?: string
  accessList?: readonly { readonly address: string; readonly storageKeys: readonly string[] }[]
  authorizationList?: readonly {
    readonly chainId: Quantity
    readonly address: string
    readonly nonce: Quantity
    readonly yParity: Quantity
    readonly r: string
    readonly s: string
  }[]
}

export interface SignOptions {
  /** Default: m/44'/60'/0'/0/0. */
  path?: string
  /** The expected address at the path. Another address is `invalid-argument`. */
  from?: string
  /** Whether a device that is not bound may sign, as old programs let it. The result then has a warning. Default: false. */
  allowUnbound?: boolean
  /**
   * Whether to use a device whose certificate no trusted CA signed, and which the user accepted at the binding. Default:
   * `allowUnverified`.
   */
  acceptUnverified?: boolean
  /** Aborts the call: the device is told to cancel, and the call rejects with `aborted` when the device is idle again. */
  signal?: AbortSignal
  /** Is called with the number of bytes of the request that were sent, and of all. */
  onProgress?: (sent: number, total: number) => void
}

export interface TransactionOptions extends SignOptions {
  /** The chain's coin, for the device's screen. Default: ETH with 18 decimals. */
  nativeCurrency?: { readonly symbol: string; readonly decimals: number }
}

export interface Account {
  /** In EIP-55's mixed case. */
  readonly address: string
  readonly path: string
  /** 65 bytes in hex, after 0x. */
  readonly publicKey: string
  /** `unbound`: no binding protected the request. `unverified-device`: no trusted CA signed the certificate. */
  readonly warnings: readonly string[]
}

export interface SignedTransaction {
  /** The signed transaction in hex, for eth_sendRawTransaction. */
  readonly raw: string
  readonly hash: string
  readonly from: string
  readonly r: string
  readonly s: string
  readonly yParity: 0 | 1
  /** For type 0 only: 27 or 28, or the value of EIP-155. */
  readonly v?: string
  /** What the transaction does. */
  readonly summary: TransactionSummary
  /** Whether the device could not show what the transaction does. */
  readonly blind: boolean
  /** `unbound`, `unverified-device` as for an Account, and `blind`. */
  readonly warnings: readonly string[]
}

export interface SignedMessage {
  /** 65 bytes in hex: r, s and v, which is 27 or 28. */
  readonly signature: string
  readonly address: string
  /** Whether the device showed a digest instead of what was signed. For typed data it always does. */
  readonly blind: boolean
  /** `unbound`, `unverified-device` as for an Account, and `blind`. */
  readonly warnings: readonly string[]
}

/** A document of EIP-712. */
export interface TypedData {
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>
  readonly primaryType: string
  readonly domain: object
  /** Absent only if the primaryType is EIP712Domain: then only the domain is signed. */
  readonly message?: object
}

/**
 * The Ethereum application of a device. The user confirms each signature on the device; a rejection there is `user-rejected`. Every
 * signature is checked before it is returned: it is the account's, over exactly what was asked for.
 */
export interface Ethereum {
  /** Resolves to the account at a path. With `verify`, the device shows the address, and the call waits until the user confirms it. */
  getAccount(options?: { path?: string; verify?: boolean; allowUnbound?: boolean; acceptUnverified?: boolean; signal?: AbortSignal }): Promise<Account>
  signTransaction(transaction: TransactionRequest, options?: TransactionOptions): Promise<SignedTransaction>
  /** Signs text or bytes with EIP-191's prefix, as personal_sign does. */
  signMessage(message: string | Uint8Array, options?: SignOptions): Promise<SignedMessage>
  signTypedData(typedData: TypedData, options?: SignOptions & { version?: 'V3' | 'V4' }): Promise<SignedMessage>
}

/** A chain and its nodes. */
export interface ChainOptions {
  readonly chainId: number | string
  /** The addresses of its nodes: https, or http on this machine. If a node does not answer, the next one is asked. */
  readonly rpcUrls: readonly string[]
  /** The address of a node for eth_subscribe: wss, or ws on this machine. Without it, that method goes to rpcUrls. */
  readonly webSocketUrl?: string
  readonly chainName?: string
  /** The chain's coin, in which the device shows amounts. Default: ETH. The decimals must be 18, as on every EVM chain. */
  readonly nativeCurrency?: { readonly name?: string; readonly symbol: string; readonly decimals: number }
  /**
   * The highest fee (gas times price, in the smallest units) of a transaction whose gas or price a node chose. A higher fee is refused
   * with -32603 and `protocol`. Default: one coin (10n ** 18n) for types 1 and 4, whose fee the device does not show, and no limit for
   * types 0 and 2, whose fee it shows.
   */
  readonly maxFee?: bigint
}

/** What a function that replaces the binding dialog gets. */
export interface PairingRequest {
  readonly imkey: ImKey
  /** The device. It is open and must stay open. */
  readonly device: Device
  readonly signal?: AbortSignal
}

export interface ProviderOptions extends LoadOptions {
  /** The chains that the dApp uses, at least one. wallet_addEthereumChain can add others. */
  chains: readonly ChainOptions[]
  /** The chain that is selected at the start. Default: the first of `chains`. */
  chainId?: number | string
  /** The accounts that the dApp gets: a number of accounts of `pathScheme` (1 to 20), or a list of paths. Default: 1. */
  accounts?: number | readonly string[]
  /** `bip44`: m/44'/60'/0'/0/n, the default. `ledger-live`: m/44'/60'/n'/0/0. `legacy`: m/44'/60'/0'/n. */
  pathScheme?: 'bip44' | 'ledger-live' | 'legacy'
  /**
   * What happens when the device is not bound to this app. `dialog` (the default) opens a dialog that asks for the binding code.
   * `none` rejects with 4100. A function replaces the dialog: it has to bind the device and resolve, or to reject with an ImKeyError
   * (`user-rejected` if the user cancelled).
   */
  pairing?: 'dialog' | 'none' | ((request: PairingRequest) => Promise<unknown>)
  /** How long a node may take to answer, in milliseconds. Default: 30000. */
  rpcTimeout?: number
  /**
   * Whether localStorage keeps the addresses, so that eth_accounts returns them after a reload. The device is needed only to sign.
   * Providers with other accounts or chains have entries of their own. If one tab revokes the permission, the other tabs lose the
   * accounts too (accountsChanged). Default: false.
   */
  remember?: boolean
}

/**
 * The error of a rejected request. If the provider refuses, the message is a sentence for the user, as in an ImKeyError. An error of a
 * node is passed on with the node's own code, message and data.
 *
 * - 4001: the user rejected the request on the device, in the dialog or in the chooser
 * - 4100: the device is not bound to this app, the page may not use it, or the dApp may not use the account
 * - 4200: the provider does not have the method
 * - 4900: no device is plugged in, or it was unplugged
 * - 4901: the request is for another chain than the selected one, or than the node's
 * - 4902: the chain is unknown
 * - -32602: the parameters are malformed
 * - -32002: the user has to answer an earlier request first, or another tab or program uses the device (`data.holder` as for
 *   `in-use-elsewhere`)
 * - -32603: any other error; see `data.code`. For a node it is `node-unreachable`, `timeout`, or `protocol` for an answer that is
 *   impossible or larger than 8 MB
 */
export class ProviderRpcError extends Error {
  constructor(code: number, message: string, data?: unknown, cause?: unknown)
  readonly name: 'ProviderRpcError'
  readonly code: number
  /**
   * `{ code, statusWord?, retryable }` with a ProviderErrorCode, and the fields of the ImKeyError's `data`, such as `reason` and
   * `holder`. For an error of a node: the node's data.
   */
  readonly data?: any
}

/** The codes in the data of a ProviderRpcError: those of the library, and one for nodes. */
export type ProviderErrorCode =
  | ErrorCode
  /** None of the chain's nodes can be reached: there is no connection, or the browser does not allow it. */
  | 'node-unreachable'

/** What the user has to do now (`waiting`), or has done (`done`). */
export interface ProviderInteraction extends Omit<Interaction, 'reason'> {
  /** Where: `choose-device` in the browser's chooser, `pair` in the binding dialog, the others on the device. */
  readonly reason: Interaction['reason'] | 'choose-device' | 'pair'
  /** The method of the request. */
  readonly method: string
}

export interface ProviderMessage {
  readonly type: string
  readonly data: unknown
}

export interface ProviderEventMap {
  /** A device with the dApp's accounts is connected. */
  connect: { readonly chainId: string }
  /**
   * The device is not connected any more; the code is 4900. It was unplugged (the provider finds it again when it is plugged in), the
   * permission was revoked, or the device has another wallet now.
   */
  disconnect: ProviderRpcError
  chainChanged: string
  accountsChanged: string[]
  /** A notification of a subscription (eth_subscribe). */
  message: ProviderMessage
  interaction: ProviderInteraction
}

/** An Ethereum provider of EIP-1193. Its methods can be called without `this`. */
export interface Provider {
  readonly isImKey: true
  /** Whether a device with the dApp's accounts is connected. */
  isConnected(): boolean
  /**
   * Carries out a request. Requests that need the device wait for one another. A signal aborts a request: the device is told to cancel,
   * and the request rejects when the device is idle again. Every rejection is an Error with an integer code: see ProviderRpcError.
   */
  request(args: {
    readonly method: string
    readonly params?: readonly unknown[] | object
    readonly signal?: AbortSignal
  }): Promise<any>
  on<K extends keyof ProviderEventMap>(event: K, listener: (payload: ProviderEventMap[K]) => void): this
  on(event: string, listener: (...args: any[]) => void): this
  once<K extends keyof ProviderEventMap>(event: K, listener: (payload: ProviderEventMap[K]) => void): this
  once(event: string, listener: (...args: any[]) => void): this
  removeListener(event: string, listener: (...args: any[]) => void): this
  /** The same as removeListener. */
  off(event: string, listener: (...args: any[]) => void): this
}

/**
 * Makes a provider. It loads nothing and asks the user nothing before a request needs it. Call eth_requestAccounts in a click handler:
 * browsers open their chooser only in answer to a user's action.
 *
 * Throws `invalid-argument` for invalid options.
 */
export function createProvider(options: ProviderOptions): Provider

export interface ProviderInfo {
  /** A version 4 UUID. Default: a random one, which the provider keeps as long as the page lives. */
  uuid?: string
  name?: string
  /** A data URI of an image. Default: the icon of imkey-connect. */
  icon?: string
  /** A reversed domain name. */
  rdns?: string
}

/**
 * Announces a provider to the page by EIP-6963, now and whenever the page asks. Returns a function that stops it. Outside a browser it
 * does nothing. Throws `invalid-argument` for a malformed info.
 */
export function announceProvider(provider: Pick<Provider, 'request' | 'on' | 'removeListener'>, info?: ProviderInfo): () => void
