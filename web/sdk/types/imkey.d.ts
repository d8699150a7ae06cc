// imkey.js: a browser page, an imKey hardware wallet, and WebUSB between them.
//
// An ES module without dependencies that leaves no global behind. It can be imported where there is no browser; only
// loadImKey asks for one. See the README for how it is put on a site.

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
 * What every rejected promise of this library holds. `message` is for a person: what happened and what to do next, in English,
 * and then perhaps in parentheses what helps a developer. It may change; programs go by `code`, which is no part of it.
 */
export class ImKeyError extends Error {
  constructor(code: ErrorCode, message: string, details?: ErrorDetails)
  readonly name: 'ImKeyError'
  readonly code: ErrorCode
  /** The device's answer, 0 to 0xFFFF, where it gave one. */
  readonly statusWord?: number
  /** Whether the same call may succeed later without a change in the program: after the person unlocked, chose, replugged. */
  readonly retryable: boolean
  /** Facts for programs; never a secret. */
  readonly data?: Readonly<Record<string, unknown>>
}

export interface ErrorDetails {
  statusWord?: number
  /** Default: false. */
  retryable?: boolean
  data?: Readonly<Record<string, unknown>>
  cause?: unknown
}

/** Why there is no WebUSB. */
export type UnsupportedReason =
  /** Node or another program that is no browser. */
  | 'not-a-browser'
  /** The page came over plain http; https or localhost is needed. */
  | 'insecure-context'
  /** The page is in a frame without `allow="usb"`, or the site's own policy forbids it. */
  | 'permissions-policy'
  /** A browser without WebUSB; Chrome, Edge, Opera and other browsers of their family have it. */
  | 'no-webusb'

/** Says whether this page can use WebUSB. It asks for no permission and never throws. */
export function isSupported(): { readonly supported: boolean; readonly reason?: UnsupportedReason }

/**
 * The part of `navigator.usb` that is used; `navigator.usb` itself fits it.
 * Devices are passed through as they are: any object that behaves as a USBDevice does.
 */
export interface USBSource {
  getDevices(): Promise<USBSourceDevice[]>
  requestDevice(options: { filters: { vendorId?: number }[] }): Promise<USBSourceDevice>
  addEventListener(type: 'connect' | 'disconnect', listener: (event: any) => void): void
  removeEventListener(type: 'connect' | 'disconnect', listener: (event: any) => void): void
}

/** A USBDevice of the browser, or an object that behaves as one. */
export interface USBSourceDevice {
  readonly vendorId: number
  readonly productId: number
  readonly serialNumber?: string | null
  readonly productName?: string | null
}

/**
 * Where the records of bindings are kept, by the SEID of the device (32 upper-case hex digits). A record holds the key by
 * which a device knows this app. `put` must not resolve before the record would survive a loss of power.
 */
export interface Store {
  /** Gives undefined where there is no record. */
  get(seid: string): Promise<Uint8Array | undefined>
  put(seid: string, record: Uint8Array): Promise<void>
  delete(seid: string): Promise<void>
  list(): Promise<string[]>
}

export interface LoadOptions {
  /**
   * Where imkey.wasm is. By default it is looked for beside imkey.js. All calls on a page share one instance, so it is the
   * first one that loads which decides.
   */
  wasmURL?: string | URL
  /** Where imkey-backup.wasm is, which `exportBinding` and `importBinding` load. By default it is looked for beside imkey.js. */
  backupWasmURL?: string | URL
  /** Default: `navigator.usb`. */
  usb?: USBSource
  /** Default: `'indexeddb'`, encrypted under a key that no script can export. `'memory'` lasts as long as the page. */
  store?: 'indexeddb' | 'memory' | Store
  /**
   * The public keys (130 hex digits, an uncompressed secp256k1 point) that may vouch for a device. By default those built
   * in; `[]` trusts none.
   */
  trustedCAs?: readonly string[]
  /**
   * Whether `bind` goes on with a device that no trusted key vouches for. The secure element's key is then remembered at
   * the first binding. Default: false.
   */
  allowUnverified?: boolean
  /**
   * Whether the binding code is kept with the record, encrypted as the key is, for `revealBindingCode`. Tell the person, in one
   * sentence, when the code is asked for. Default: true.
   */
  rememberCode?: boolean
}

/**
 * Prepares the use of imKeys on this page. Cheap: what is large loads when something needs it, at the latest while the
 * person chooses a device. Every call has options of its own; all share one store.
 *
 * Rejects with `unsupported` where there is no WebUSB and no `usb` was given, with `permission-denied` in a frame that may
 * not use USB, with `invalid-argument` for an option of another type.
 */
export function loadImKey(options?: LoadOptions): Promise<ImKey>

export interface ImKeyEventMap {
  /** An imKey that this page may use was plugged in. */
  connect: CustomEvent<{ readonly device: Device }>
  /** One was unplugged. */
  disconnect: CustomEvent<{ readonly device: Device }>
  /** What `knownDevices` tells has changed, by a call on this page; what another tab does is not heard of. */
  knownchange: CustomEvent<{ readonly seid: string }>
}

/** What this browser's record tells of a device, plugged in or not. */
export interface KnownDevice {
  /** The secure element's id, 32 upper-case hex digits, by which all records are kept. */
  readonly seid: string
  /** The imKey's serial number; empty where the record is unreadable. */
  readonly serial: string
  /** What its person called it, or null. */
  readonly name: string | null
  /**
   * How far the binding has come, as far as this browser has heard; what it is now, the plugged-in device alone can say.
   *
   * - `bound`: the device said so, and nothing else since
   * - `unfinished`: met and not bound yet, or a binding was cut short: the device knows
   * - `imported`: bound by another browser, brought here in a file; the device has not confirmed it to this one yet
   * - `former`: was bound; when it was last asked, the device was bound to another app or to none
   * - `unreadable`: the record does not authenticate, or a later version of this library wrote it. It stays as it is until it
   *   is forgotten.
   */
  readonly state: 'bound' | 'unfinished' | 'imported' | 'former' | 'unreadable'
  /** When the device was last bound, in whole seconds; null where it never was. */
  readonly boundAt: Date | null
  /** Whether a trusted key vouched for the device when its code was last entered; null where it was not yet. */
  readonly certificate: 'verified' | 'unverified' | null
  /** The key that vouched for it, in hex. */
  readonly certificateKey: string | null
  /** Whether the binding code is kept, for `revealBindingCode`: of a device that is bound or imported. */
  readonly codeKept: boolean
}

export interface ImportOptions {
  /** Only for this device; a file of another one is `device-mismatch`. */
  seid?: string
  /** Whether to replace what this browser has of the device already. Default: false, which makes it `record-exists`. */
  replace?: boolean
  /** Gives up; then nothing was imported. */
  signal?: AbortSignal
}

export class ImKey extends EventTarget {
  private constructor()

  /** The plugged-in imKeys that this page was permitted to use before. Asks the person nothing. */
  getDevices(): Promise<Device[]>

  /**
   * Has the person choose an imKey in a dialog of the browser. Call it directly in a click or key handler: browsers show
   * the dialog to nobody else. A signal cannot close that dialog; it makes the call reject, and what is chosen then is
   * ignored.
   */
  requestDevice(options?: { signal?: AbortSignal }): Promise<Device>

  /** The devices of which this browser's store has a record, by their SEIDs. No device is asked, or need be plugged in. */
  knownDevices(): Promise<KnownDevice[]>
  /**
   * Gives a device a name of the person's own. White space at the ends is dropped. Null, or a name of which nothing is left
   * then, takes the name away. More than 32 characters, or control characters, are `invalid-argument` with `data.reason`
   * `name`; a device without a record is `invalid-argument` with `data.reason` `unknown-device`.
   */
  rename(seid: string, name: string | null): Promise<void>
  /** Deletes the record of a device, with its key and code, as `Device.forget` does; the device need not be plugged in. */
  forget(seid: string): Promise<void>
  /**
   * Gives the binding as a file for another browser of the same person, encrypted with the passphrase: 8 characters or more,
   * else `invalid-argument` with `data.reason` `passphrase`. That is the least; this library's own page asks for a stronger
   * one, and so should others, for whoever has the file can try as many as they like. Whoever has both has the binding, and the code where it is kept.
   * `not-bound`: there is no binding to give. It takes a second or two, and loads a module of its own.
   *
   * Binding again uses the same key, so a copy is not shut out by that. To take it back, `forget` the device and bind it again
   * with its code: that makes a new key, and the device tells the holder of the old one that it is bound elsewhere.
   */
  exportBinding(seid: string, passphrase: string, options?: { signal?: AbortSignal }): Promise<Uint8Array>
  /**
   * Takes a binding from such a file into this browser's store: of a File or Blob, `new Uint8Array(await file.arrayBuffer())`. It is `imported` until the device itself says that it is
   * bound, with the next `bindingStatus`; that says `bound-elsewhere` where the device was bound anew since.
   *
   * Rejects with `wrong-passphrase`, `file-invalid`, `device-mismatch`, `record-exists`, or a code of the store, and has then
   * changed nothing. A record of a device that was met and never bound is no obstacle.
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
  /** The secure element's id, 32 upper-case hex digits. */
  readonly seid: string
  /** The imKey's serial number. */
  readonly serial: string
  /** As `1.2.34`. */
  readonly firmware: string | null
  readonly bootloader: string | null
  /** Percent; null while it charges. */
  readonly battery: number | null
  readonly charging: boolean | null
  readonly lifeCycle: string | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  /**
   * `verified`: a trusted key vouches for the device. `unverified`: none does, though the certificate is in order.
   * `invalid`: it is malformed or another device's; such a device is never bound.
   */
  readonly certificate: 'verified' | 'unverified' | 'invalid'
  /** The trusted key that vouches for the device, in hex. */
  readonly certificateKey: string | null
  /** Whether the browser promised not to clear this site's storage by itself; null where it was not asked. */
  readonly persisted: boolean | null
  /** What its person called it in this browser, or null. */
  readonly name: string | null
  /** When it was bound to this browser; null where this browser has no record that says so. */
  readonly boundAt: Date | null
}

/** `bound`: to this browser on this site. `bound-elsewhere`: to another browser, site or phone. */
export type BindingStatus = 'unbound' | 'bound' | 'bound-elsewhere'

/** What the device waits for its person to do: confirm something, or read the binding code off its screen. */
export interface Interaction {
  readonly state: 'waiting' | 'done'
  readonly reason: 'confirm' | 'read-code'
  /** What is to be confirmed, where it is for Ethereum. */
  readonly operation?: 'transaction' | 'message' | 'typed-data' | 'address'
  /** The screen does not show all of what is signed: of a message that is not all printable ASCII or newlines, a digest. */
  readonly blind?: boolean
  /** What a transaction does, of every type. */
  readonly summary?: TransactionSummary
  /**
   * The strings that the device gets for its screen: of types 0 and 2, the others go to it as bytes. For a plain transfer,
   * and for a token that it knows, the device computes payment and receiver itself, so its words may differ; the fee is
   * as here.
   */
  readonly screen?: { readonly payment: string; readonly receiver: string; readonly fee: string }
}

/** What a transaction does, as computed from the transaction itself and not from what a page says of it. */
export interface TransactionSummary {
  /** The approval and the transfer of a token are ERC-20's; `call` is any other call of a contract. */
  readonly kind: 'transfer' | 'token-transfer' | 'token-approval' | 'creation' | 'call'
  /** Such as "1.0 ETH", or "Allow UNLIMITED units of token 0x…". */
  readonly payment: string
  /** Who gets it, or may spend it: an address in EIP-55's mixed case, or "new contract". */
  readonly receiver: string
  /**
   * The most that the transaction can cost besides. Of types 1 and 4 no screen shows it, so show it yourself: nothing but
   * this bounds what a caller gave as gas and price.
   */
  readonly fee: string
  /** An approval of 2^96-1 units or more, which has no bound in practice. */
  readonly unlimited: boolean
}

export interface BindOptions {
  /** Gives up; the device is told so, and the call rejects with `aborted` when it is idle again. */
  signal?: AbortSignal
  /**
   * Whether to go on with this device though no trusted key vouches for it; ask the person first. It comes before
   * `allowUnverified` of `loadImKey`: false refuses such a device even where that allows it. Left out, that decides.
   */
  acceptUnverified?: boolean
  /** Default: what `loadImKey` was told. */
  rememberCode?: boolean
  /** Hears of the device's waiting during this call. */
  onInteraction?: (interaction: Interaction) => void
}

export interface DeviceEventMap {
  interaction: CustomEvent<Interaction>
  bindingchange: CustomEvent<{ readonly status?: BindingStatus }>
  /**
   * The device is gone: unplugged, or its permission was taken back. Plugged in again it is another object.
   *
   * Or, with the reason `taken-over`, another tab of this site has it now: what was under way here ended, and this object's
   * `open({ takeOver: true })` takes it back.
   */
  disconnect: CustomEvent<{ readonly code?: ErrorCode; readonly reason?: 'taken-over' }>
}

/** One imKey. Calls on it are carried out one after the other. */
export class Device extends EventTarget {
  private constructor()

  /** The serial number as USB tells it, known before the device is open. */
  readonly serialNumber: string | null
  /** Whether `open` succeeded and `close` was not called since. */
  readonly opened: boolean
  /** What `open` found out. Throws `invalid-argument` before the first `open`. */
  readonly info: DeviceInfo
  /** The device's Ethereum wallet. Needs an open, bound device. */
  readonly ethereum: Ethereum

  /**
   * Opens the device and asks it what it is. Works with a device that cannot be verified, too.
   *
   * One tab of a site has it at a time; this one gets `in-use-elsewhere` after a second. With `takeOver` that tab lets go: it
   * has the device cancel what it is at, and hears `disconnect`. Ask the person first. It takes 15 s at most; a tab that
   * sleeps is not waited for longer than 3 s.
   *
   * Before the browser freezes this page or puts it away, the device is let go of; calls under way end with `aborted`. The
   * device stays `opened`: when the page is back, the next call opens it again by itself.
   */
  open(options?: { signal?: AbortSignal; takeOver?: boolean }): Promise<DeviceInfo>
  /** Gives the device free for other tabs and programs. */
  close(): Promise<void>

  bindingStatus(): Promise<BindingStatus>
  /** Has the device show its binding code on its screen. Nothing but the screen ever shows it. */
  showBindingCode(): Promise<void>
  /**
   * Binds the device to this browser, with the 8 characters from its screen. Lower case is fine, spaces and dashes are
   * ignored. A malformed code is refused with `code-format` before anything is sent. The code itself never leaves the
   * page, and nothing that depends on it before the device has proved to be genuine or was knowingly accepted.
   */
  bind(code: string, options?: BindOptions): Promise<void>
  /**
   * Gives the code that was kept because of `rememberCode`. Needs the device itself to confirm its binding, which proves
   * that it is plugged in and nothing of who asks. `not-bound` with `data.reason` `not-remembered`: no code was kept.
   * `acceptUnverified` is needed where it was for `bind`.
   */
  revealBindingCode(options?: { signal?: AbortSignal; acceptUnverified?: boolean }): Promise<string>
  /** Deletes this browser's record of the device. The device is not told. */
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

/** A whole number: a safe integer, a bigint, or a string of hex digits after 0x. */
export type Quantity = number | bigint | string

/** A transaction of JSON-RPC's shape, complete: nothing is asked of a node. */
export interface TransactionRequest {
  /** 0, 1 (EIP-2930), 2 (EIP-1559) or 4 (EIP-7702, which the device cannot show). By default it follows from the fields. */
  type?: Quantity
  /** Needed, but for a type 0 that is to be valid on every chain. */
  chainId?: Quantity
  /** If given, it must be the address at the path. */
  from?: string
  /** Absent where a contract is created. */
  to?: string | null
  nonce?: Quantity
  gas?: Quantity
  /** Another name of gas. */
  gasLimit?: Quantity
  gasPrice?: Quantity
  maxFeePerGas?: Quantity
  maxPriorityFeePerGas?: Quantity
  value?: Quantity
  data?: string
  /** Another name of data. */
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
  /** The address that is expected at the path; another one is `invalid-argument`. */
  from?: string
  /** Signs on a device that is bound to nobody, as old hosts did. The result warns of it. Default: false. */
  allowUnbound?: boolean
  /** Takes a device that no trusted key vouches for, which its person accepted when it was bound. Default: `allowUnverified`. */
  acceptUnverified?: boolean
  /** Gives up; the device is told so, and the call rejects with `aborted` when it is idle again. */
  signal?: AbortSignal
  /** Hears how many bytes of a large request the device has got. */
  onProgress?: (sent: number, total: number) => void
}

export interface TransactionOptions extends SignOptions {
  /** What the chain's coin is called on the device's screen. Default: ETH with 18 decimals. */
  nativeCurrency?: { readonly symbol: string; readonly decimals: number }
}

export interface Account {
  /** In EIP-55's mixed case. */
  readonly address: string
  readonly path: string
  /** 65 bytes in hex, after 0x. */
  readonly publicKey: string
  /** As for what is signed. */
  readonly warnings: readonly string[]
}

export interface SignedTransaction {
  /** For eth_sendRawTransaction. */
  readonly raw: string
  readonly hash: string
  readonly from: string
  readonly r: string
  readonly s: string
  readonly yParity: 0 | 1
  /** Of type 0 alone: 27 or 28, or by EIP-155. */
  readonly v?: string
  /** What it does. */
  readonly summary: TransactionSummary
  /** Whether the device's screen could not show what the transaction does. */
  readonly blind: boolean
  readonly warnings: readonly string[]
}

export interface SignedMessage {
  /** 65 bytes in hex: r, s, and v as 27 or 28. */
  readonly signature: string
  readonly address: string
  /** Whether the device's screen showed a digest instead of what was signed, as it does of all typed data. */
  readonly blind: boolean
  readonly warnings: readonly string[]
}

/** A document as EIP-712 describes it. */
export interface TypedData {
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>
  readonly primaryType: string
  readonly domain: object
  /** Absent only where the primaryType is EIP712Domain: then the domain is all that is signed. */
  readonly message?: object
}

/**
 * The Ethereum application of a device. Everything is confirmed on the device; `user-rejected` when its person declines.
 * What comes back was checked: the signature is the account's own, over exactly what was asked.
 */
export interface Ethereum {
  /** Gives the account at a path. With `verify` the device shows the address until its person confirms. */
  getAccount(options?: { path?: string; verify?: boolean; allowUnbound?: boolean; acceptUnverified?: boolean; signal?: AbortSignal }): Promise<Account>
  signTransaction(transaction: TransactionRequest, options?: TransactionOptions): Promise<SignedTransaction>
  /** Signs text or bytes with EIP-191's prefix, as personal_sign does. */
  signMessage(message: string | Uint8Array, options?: SignOptions): Promise<SignedMessage>
  signTypedData(typedData: TypedData, options?: SignOptions & { version?: 'V3' | 'V4' }): Promise<SignedMessage>
}

/** A chain and the nodes that are asked about it. */
export interface ChainOptions {
  readonly chainId: number | string
  /** Where its nodes are: https, or http on this very machine. If one does not answer, the next is asked. */
  readonly rpcUrls: readonly string[]
  /** Where eth_subscribe is answered (wss). Without it, that method goes to the node as any other. */
  readonly webSocketUrl?: string
  readonly chainName?: string
  /** Default: ETH. The device's screen shows amounts in it. The decimals are 18, as on every chain of the EVM. */
  readonly nativeCurrency?: { readonly name?: string; readonly symbol: string; readonly decimals: number }
  /**
   * The most, in the smallest units, that the fee of a transaction may come to (gas times price) where gas or price are
   * left to what the node says; -32603 with `protocol` above it. Default: 10n ** 18n, one coin, for transactions of types 1
   * and 4, whose fee the device's screen does not show, and no bound for those of types 0 and 2, whose fee it shows.
   */
  readonly maxFee?: bigint
}

/** What a binding dialog gets. */
export interface PairingRequest {
  readonly imkey: ImKey
  /** Open. It is to be left so. */
  readonly device: Device
  readonly signal?: AbortSignal
}

export interface ProviderOptions extends LoadOptions {
  /** The chains that the dApp works on, at least one; wallet_addEthereumChain adds others. */
  chains: readonly ChainOptions[]
  /** The chain that is selected at first. Default: the first one. */
  chainId?: number | string
  /**
   * Which accounts the dApp gets: how many of `pathScheme` (1 to 20), or their paths. Default: 1.
   */
  accounts?: number | readonly string[]
  /** `bip44`: m/44'/60'/0'/0/n, the default. `ledger-live`: m/44'/60'/n'/0/0. `legacy`: m/44'/60'/0'/n. */
  pathScheme?: 'bip44' | 'ledger-live' | 'legacy'
  /**
   * What happens when the device is not bound to this browser: `dialog` (the default) asks for the code, `none` rejects
   * with 4100. A function takes the dialog's place: it resolves when the device is bound, and rejects with an ImKeyError
   * (`user-rejected` when the person gave up).
   */
  pairing?: 'dialog' | 'none' | ((request: PairingRequest) => Promise<unknown>)
  /** How many milliseconds a node may take to answer. Default: 30000. */
  rpcTimeout?: number
  /**
   * Whether the addresses are kept in localStorage, so that eth_accounts knows them after a reload. The device is looked
   * for when something is to be signed. Providers with other accounts or chains are remembered apart; accounts that are
   * taken back in one tab are so in the others (accountsChanged). Default: false.
   */
  remember?: boolean
}

/**
 * What request rejects with when the provider itself refuses; its message is as an ImKeyError's. The error of a node has that
 * node's code, message and data.
 *
 * - 4001: the person declined, on the device, in the dialog or in the chooser
 * - 4100: the device is not bound to this browser; the page may not use it; or the account is not the dApp's
 * - 4200: a method that does not exist here
 * - 4900: no device is plugged in, or it was unplugged
 * - 4901: another chain than the selected one, or than the node's
 * - 4902: an unknown chain
 * - -32602: malformed parameters
 * - -32002: a question to the person is open already, or another tab or program uses the device (`data.holder` as `in-use-elsewhere` has it)
 * - -32603: everything else; `data.code` says what. Of a node: `node-unreachable`, `timeout` where it does not answer, and
 *   `protocol` where it answers with what cannot be, or with more than 8 MB
 */
export class ProviderRpcError extends Error {
  constructor(code: number, message: string, data?: unknown, cause?: unknown)
  readonly name: 'ProviderRpcError'
  readonly code: number
  /**
   * `{ code, statusWord?, retryable }` with a ProviderErrorCode, and beside them what the `data` of the ImKeyError held, such
   * as `reason` and `holder`; or what a node gave.
   */
  readonly data?: any
}

/** The reasons in the data of a ProviderRpcError: those of the library, and one of its nodes. */
export type ProviderErrorCode =
  | ErrorCode
  /** None of the chain's nodes can be reached: no connection, or none that the browser allows. */
  | 'node-unreachable'

/** What the person has to do now, or no longer. */
export interface ProviderInteraction extends Omit<Interaction, 'reason'> {
  /** `choose-device`: in the browser's chooser. `pair`: in the binding dialog. The others: on the device. */
  readonly reason: Interaction['reason'] | 'choose-device' | 'pair'
  /** The method that asked for it. */
  readonly method: string
}

export interface ProviderMessage {
  readonly type: string
  readonly data: unknown
}

export interface ProviderEventMap {
  /** A device is there. */
  connect: { readonly chainId: string }
  /**
   * No device is there any more; code 4900. It was unplugged, and is found again by itself when it is plugged in; or the
   * accounts were taken back; or another wallet is on it.
   */
  disconnect: ProviderRpcError
  chainChanged: string
  accountsChanged: string[]
  /** What a subscription (eth_subscribe) tells. */
  message: ProviderMessage
  interaction: ProviderInteraction
}

/** An Ethereum provider as EIP-1193 describes it. Its methods need no `this`. */
export interface Provider {
  readonly isImKey: true
  /** Whether a device is there. */
  isConnected(): boolean
  /**
   * Calls that need the device are carried out one after the other. A signal gives a call up: the device is told so, and
   * the call rejects when it is idle again. Every rejection is an Error with an integer code: see ProviderRpcError.
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
  /** Another name of removeListener. */
  off(event: string, listener: (...args: any[]) => void): this
}

/**
 * Makes a provider. Nothing is loaded and nobody is asked before a request needs it. Call eth_requestAccounts in a click
 * handler: browsers show their chooser to nobody else.
 *
 * Throws `invalid-argument` for options of another shape.
 */
export function createProvider(options: ProviderOptions): Provider

export interface ProviderInfo {
  /** A version 4 UUID. By default one that stays the provider's as long as the page. */
  uuid?: string
  name?: string
  /** A data URI of an image. */
  icon?: string
  /** A domain name, reversed. */
  rdns?: string
}

/**
 * Announces a provider to the page by EIP-6963, now and whenever the page asks. Returns a function that ends it.
 * Outside a browser it does nothing. Throws `invalid-argument` for a malformed info.
 */
export function announceProvider(provider: Pick<Provider, 'request' | 'on' | 'removeListener'>, info?: ProviderInfo): () => void
