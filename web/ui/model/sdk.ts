// The part of the SDK that the UI uses. The SDK's classes implement it, and so do the fakes of the tests.

import type { Shown } from 'imkey-connect'

export type { Shown }

export interface DeviceInfo {
  readonly seid: string
  readonly serial: string
  readonly firmware: string | null
  readonly bootloader: string | null
  readonly battery: number | null
  readonly charging: boolean | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  readonly lifeCycle: string | null
  /** The public key of the secure element, in hex. It is null if the certificate is invalid. */
  readonly secureElementKey: string | null
  readonly certificate: 'verified' | 'unverified' | 'invalid'
  /** The CA key that verified the certificate, in hex. */
  readonly certificateKey: string | null
  /** Whether the browser promised to keep its storage. It is null if the browser was not asked yet. */
  readonly persisted: boolean | null
}

export type BindingStatus = 'unbound' | 'bound' | 'bound-elsewhere'

export interface BindOptions {
  signal?: AbortSignal
  acceptUnverified?: boolean
  rememberCode?: boolean
  newKey?: boolean
  shown?: Shown
}

export interface Device {
  /** The serial number in the USB descriptor. */
  readonly serialNumber: string | null
  readonly info: DeviceInfo
  open(options?: { takeOver?: boolean }): Promise<unknown>
  close(): Promise<void>
  bindingStatus(options?: { acceptUnverified?: boolean; shown?: Shown }): Promise<BindingStatus>
  showBindingCode(): Promise<void>
  revealBindingCode(options?: { signal?: AbortSignal; acceptUnverified?: boolean; shown?: Shown }): Promise<string>
  forget(options?: { shown?: Shown }): Promise<void>
  bind(code: string, options?: BindOptions): Promise<unknown>
  addEventListener(type: 'interaction' | 'disconnect', listener: (event: Event) => void): void
  removeEventListener(type: 'interaction' | 'disconnect', listener: (event: Event) => void): void
}

/** KnownDevice is this browser's record of a device, without secrets. */
export interface KnownDevice {
  readonly seid: string
  readonly serial: string
  readonly name: string | null
  readonly state: 'bound' | 'unfinished' | 'imported' | 'former' | 'unreadable'
  readonly boundAt: Date | null
  readonly secureElementKey: string | null
  readonly certificate: 'verified' | 'unverified' | null
  readonly certificateKey: string | null
  readonly codeKept: boolean
  /** Whether the app key came from a file. */
  readonly keyFromFile: boolean
}

export interface ImKey {
  getDevices(): Promise<readonly Device[]>
  requestDevice(options?: { signal?: AbortSignal }): Promise<Device>
  knownDevices(): Promise<readonly KnownDevice[]>
  rename(seid: string, name: string | null, options?: { shown?: Shown }): Promise<void>
  forget(seid: string, options?: { shown?: Shown }): Promise<void>
  exportBinding(seid: string, passphrase: string, options?: { signal?: AbortSignal; shown?: Shown }): Promise<Uint8Array>
  importBinding(
    file: Uint8Array,
    passphrase: string,
    options?: { seid?: string; serial?: string; replace?: boolean; signal?: AbortSignal },
  ): Promise<KnownDevice>
  addEventListener(type: 'connect' | 'disconnect' | 'knownchange', listener: (event: Event) => void): void
}
