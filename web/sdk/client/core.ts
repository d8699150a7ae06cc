// The interface of imkey.wasm. Package wasm implements it.

import type {
  BindingStatus,
  Bitcoin,
  BitcoinSummary,
  Cosmos,
  CosmosDescription,
  DeviceInfo,
  Ethereum,
  KnownDevice,
  Shown,
  Store,
  TransactionDescription,
  Tron,
  TronTransactionDescription,
  USBSource,
  USBSourceDevice,
} from '../types/imkey'

export interface Core {
  /** Is called once, before anything else. This module makes the errors, so that they have its class. */
  init(host: {
    makeError(code: string, detail: string, statusWord: number | undefined, retryable: boolean, data: object | undefined): Error
    /** Is called when a record of that store was written or deleted. */
    recordChanged(store: StoreChoice, seid: string): void
  }): void
  open(device: USBSourceDevice, options: OpenOptions): Promise<CoreDevice>
  /** Releases all devices, or those that are busy, before it returns: a page that is frozen or closed cannot do it later. */
  suspend(busy: boolean): void
  /** The memory store, for another module. */
  readonly memory: Store
  known(options: RecordOptions): Promise<KnownDevice[]>
  rename(seid: string, name: string | null, options: RecordOptions & { shown?: Shown }): Promise<void>
  forget(seid: string, options: RecordOptions & { shown?: Shown }): Promise<void>
  /** Says what the device would show of a request, and the digest that it would sign. It uses no device. */
  describe(
    operation:
      | 'transaction'
      | 'message'
      | 'typed-data'
      | 'tron-transaction'
      | 'tron-message'
      | 'tron-typed-data'
      | 'cosmos-amino'
      | 'cosmos-direct'
      | 'bitcoin-address'
      | 'bitcoin-psbt',
    value: unknown,
    options?: object,
  ): Promise<
    TransactionDescription & TronTransactionDescription & CosmosDescription & { script: string; dust: number; summary: BitcoinSummary }
  >
  /** Says that another module changed the record. */
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

/** OpenOptions are the options of one open. */
export interface OpenOptions extends CoreOptions {
  /** Asks the tab that uses the device to release it. */
  takeOver: boolean
  /** Does not identify again a device that this page had open and that was not unplugged since. */
  resume: boolean
  /** The only device to open. Another one is device-changed, and is released. */
  shown?: Shown
  /** Aborts the open. */
  signal: AbortSignal
}

export interface CoreDevice {
  readonly info: DeviceInfo
  readonly ethereum: Ethereum
  /** Only in imkey-coins.wasm. */
  readonly tron?: Tron
  /** The same. */
  readonly cosmos?: Cosmos
  /** The same. */
  readonly bitcoin?: Bitcoin
  bindingStatus(options: { signal?: AbortSignal; acceptUnverified?: boolean; shown?: Shown }): Promise<BindingStatus>
  showBindingCode(): Promise<void>
  // Without shown, a call is for the device as it was when it was opened.
  bind(
    code: string,
    options: { signal?: AbortSignal; acceptUnverified?: boolean; rememberCode?: boolean; newKey?: boolean; shown?: Shown },
  ): Promise<void>
  revealBindingCode(options?: { signal?: AbortSignal; acceptUnverified?: boolean; shown?: Shown }): Promise<string>
  forget(options?: { shown?: Shown }): Promise<void>
  close(): Promise<void>
}
