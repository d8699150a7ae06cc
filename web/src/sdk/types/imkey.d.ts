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
 * - `in-use-elsewhere`: another tab or program holds it
 * - `timeout`: it did not answer in time
 * - `aborted`: the caller's signal
 * - `protocol`: an answer that is malformed, contradictory or wrongly signed
 * - `user-rejected`: the person declined on the device
 * - `code-format`: not a binding code; nothing was sent. `data`: `{ position, character, hint? }`, positions from 1
 * - `wrong-code`: the device says that it is another code
 * - `code-locked`: too many wrong codes; the device checks no more
 * - `not-bound`: the operation needs a binding
 * - `bound-elsewhere`: the device is bound to another app or browser
 * - `untrusted-device`: the certificate did not prove that the device is genuine; nothing that depends on the code was sent
 * - `device-mismatch`: another secure element than the one that this browser bound
 * - `locked`: the PIN has not been entered
 * - `wallet-missing`: there is no wallet on the device yet
 * - `in-menu`: the device shows a menu; its home page is needed
 * - `applet-missing`: the device does not have the application
 * - `storage`, `storage-full`: the browser's storage is blocked or failing, or has no room
 * - `record-corrupt`: what was stored does not authenticate, or comes from another version
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
  | 'invalid-argument'
  | 'unsupported-method'
  | 'internal'

/** What every rejected promise of this library holds. */
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
  /** Whether the binding code is kept, encrypted, with the record, for `revealBindingCode`. Default: false. */
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
}

/** `bound`: to this browser on this site. `bound-elsewhere`: to another browser, site or phone. */
export type BindingStatus = 'unbound' | 'bound' | 'bound-elsewhere'

/** What the device waits for its person to do: confirm something, or read the binding code off its screen. */
export interface Interaction {
  readonly state: 'waiting' | 'done'
  readonly reason: 'confirm' | 'read-code'
}

export interface BindOptions {
  /** Gives up; the device is told so, and the call rejects with `aborted` when it is idle again. */
  signal?: AbortSignal
  /** Goes on with this device though no trusted key vouches for it. Ask the person first. Default: `allowUnverified`. */
  acceptUnverified?: boolean
  /** Default: what `loadImKey` was told. */
  rememberCode?: boolean
  /** Hears of the device's waiting during this call. */
  onInteraction?: (interaction: Interaction) => void
}

export interface DeviceEventMap {
  interaction: CustomEvent<Interaction>
  bindingchange: CustomEvent<{ readonly status?: BindingStatus }>
  disconnect: CustomEvent<object>
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

  /** Opens the device and asks it what it is. Works with a device that cannot be verified, too. */
  open(options?: { signal?: AbortSignal }): Promise<DeviceInfo>
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
  /** Gives the code that was kept because of `rememberCode`. Needs the device itself to confirm its binding. */
  revealBindingCode(options?: { signal?: AbortSignal }): Promise<string>
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
