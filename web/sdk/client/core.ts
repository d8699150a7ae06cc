// The surface of imkey.wasm: what the Go side gives and takes. Package wasm is the other half of it.

import type { BindingStatus, DeviceInfo, Ethereum, KnownDevice, Store, USBSource, USBSourceDevice } from '../types/imkey'

export interface Core {
  /** Called once, before anything else. Errors are made here so that they are of this module's class. */
  init(host: {
    makeError(code: string, detail: string, statusWord: number | undefined, retryable: boolean, data: object | undefined): Error
    /** A record of that store was written or deleted. */
    recordChanged(store: StoreChoice, seid: string): void
  }): void
  open(device: USBSourceDevice, options: OpenOptions): Promise<CoreDevice>
  /** Lets go of all devices before it returns: a page that is frozen or put away could not do it later. */
  suspend(): void
  /** The store 'memory', for another module. */
  readonly memory: Store
  known(options: RecordOptions): Promise<KnownDevice[]>
  rename(seid: string, name: string | null, options: RecordOptions): Promise<void>
  forget(seid: string, options: RecordOptions): Promise<void>
  /** Another module changed the record. */
  reread(seid: string, options: RecordOptions): Promise<void>
}

export type StoreChoice = 'indexeddb' | 'memory' | Store

export interface RecordOptions {
  store: StoreChoice
}

export interface CoreOptions {
  usb: USBSource
  store: StoreChoice
  trustedCAs?: string[]
  allowUnverified: boolean
  rememberCode: boolean
  onEvent(name: 'interaction' | 'bindingchange' | 'disconnect', detail: object): void
}

/** OpenOptions are those of one opening. */
export interface OpenOptions extends CoreOptions {
  /** Asks the tab that holds the device to let go of it. */
  takeOver: boolean
  /** Takes the opening back. */
  signal: AbortSignal
}

export interface CoreDevice {
  readonly info: DeviceInfo
  readonly ethereum: Ethereum
  bindingStatus(): Promise<BindingStatus>
  showBindingCode(): Promise<void>
  bind(code: string, options: { signal?: AbortSignal; acceptUnverified?: boolean; rememberCode?: boolean }): Promise<void>
  revealBindingCode(options?: { signal?: AbortSignal; acceptUnverified?: boolean }): Promise<string>
  forget(): Promise<void>
  close(): Promise<void>
}
