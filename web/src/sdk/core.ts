// The surface of imkey.wasm: what the Go side gives and takes. Package wasm is the other half of it.

import type { BindingStatus, DeviceInfo, Ethereum, Store, USBSource, USBSourceDevice } from './types/imkey'

export interface Core {
  /** Called once, before anything else. Errors are made here so that they are of this module's class. */
  init(host: {
    makeError(code: string, message: string, statusWord: number | undefined, retryable: boolean, data: object | undefined): Error
  }): void
  open(device: USBSourceDevice, options: CoreOptions): Promise<CoreDevice>
}

export interface CoreOptions {
  usb: USBSource
  store: 'indexeddb' | 'memory' | Store
  trustedCAs?: string[]
  allowUnverified: boolean
  rememberCode: boolean
  onEvent(name: 'interaction' | 'bindingchange' | 'disconnect', detail: object): void
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
