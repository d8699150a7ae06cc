// What the pairing needs of the SDK, and no more: the SDK's own classes fit it, and so does a fake in a test.

export interface DeviceInfo {
  readonly serial: string
  readonly firmware: string | null
  readonly bootloader: string | null
  readonly battery: number | null
  readonly charging: boolean | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  readonly certificate: 'verified' | 'unverified' | 'invalid'
  /** Whether the browser promised to keep its storage; null where nobody has asked it yet. */
  readonly persisted: boolean | null
}

export type BindingStatus = 'unbound' | 'bound' | 'bound-elsewhere'

export interface BindOptions {
  signal?: AbortSignal
  acceptUnverified?: boolean
  rememberCode?: boolean
}

export interface Device {
  /** As USB tells it. */
  readonly serialNumber: string | null
  readonly info: DeviceInfo
  open(): Promise<unknown>
  close(): Promise<void>
  bindingStatus(): Promise<BindingStatus>
  showBindingCode(): Promise<void>
  revealBindingCode(options?: { signal?: AbortSignal; acceptUnverified?: boolean }): Promise<string>
  forget(): Promise<void>
  bind(code: string, options?: BindOptions): Promise<unknown>
  addEventListener(type: 'interaction' | 'disconnect', listener: (event: Event) => void): void
  removeEventListener(type: 'interaction' | 'disconnect', listener: (event: Event) => void): void
}

export interface ImKey {
  getDevices(): Promise<readonly Device[]>
  requestDevice(options?: { signal?: AbortSignal }): Promise<Device>
  addEventListener(type: 'connect', listener: (event: Event) => void): void
}
