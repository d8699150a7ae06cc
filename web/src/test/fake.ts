import type { BindingStatus, BindOptions, Device, DeviceInfo, ImKey } from '../pairing/sdk'

/** fail is an error as the SDK makes them. */
export function fail(code: string, more: object = {}): Error {
  return Object.assign(new Error(code), { code, ...more })
}

/** Gate is a promise that a test opens by hand. */
export class Gate<T = void> {
  readonly promise: Promise<T>
  open!: (value: T) => void
  break!: (error: unknown) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve
      this.break = reject
    })
  }
}

/** FakeDevice answers as it is told and keeps a list of what was asked. */
export class FakeDevice extends EventTarget implements Device {
  info: DeviceInfo = {
    serial: 'imKey01191200001',
    firmware: '1.6.03',
    bootloader: '1.4.00',
    battery: 80,
    charging: false,
    bleName: null,
    bleVersion: null,
    certificate: 'verified',
    persisted: true,
  }
  serialNumber: string | null = 'imKey01191200001'
  readonly asked: string[] = []
  statuses: (BindingStatus | Error)[] = ['unbound']
  onOpen: () => Promise<void> = async () => undefined
  onShow: () => Promise<void> = async () => undefined
  onReveal: () => Promise<string> = async () => 'ABCDEFGH'
  onForget: () => Promise<void> = async () => undefined
  onClose: () => Promise<void> = async () => undefined
  onBind: (code: string, options: BindOptions) => Promise<void> = async () => undefined

  async open(): Promise<void> {
    this.asked.push('open')
    await this.onOpen()
  }

  async close(): Promise<void> {
    this.asked.push('close')
    await this.onClose()
  }

  async bindingStatus(): Promise<BindingStatus> {
    this.asked.push('status')
    const status = this.statuses.length > 1 ? this.statuses.shift()! : this.statuses[0]!
    if (status instanceof Error) throw status
    return status
  }

  async showBindingCode(): Promise<void> {
    this.asked.push('show')
    await this.onShow()
  }

  async bind(code: string, options: BindOptions = {}): Promise<void> {
    this.asked.push(`bind accept=${options.acceptUnverified} keep=${options.rememberCode}`)
    await this.onBind(code, options)
  }

  async revealBindingCode(options: { acceptUnverified?: boolean } = {}): Promise<string> {
    this.asked.push(`reveal accept=${options.acceptUnverified}`)
    return this.onReveal()
  }

  async forget(): Promise<void> {
    this.asked.push('forget')
    await this.onForget()
  }

  interaction(state: 'waiting' | 'done'): void {
    this.dispatchEvent(new CustomEvent('interaction', { detail: { state, reason: 'confirm' } }))
  }

  unplug(): void {
    this.dispatchEvent(new CustomEvent('disconnect', { detail: {} }))
  }
}

/** FakeImKey has permitted devices, and one behind the chooser. */
export class FakeImKey extends EventTarget implements ImKey {
  permitted: FakeDevice[] = []
  chosen: () => Promise<FakeDevice>
  requests = 0

  constructor(device: FakeDevice) {
    super()
    this.chosen = async () => device
  }

  async getDevices(): Promise<FakeDevice[]> {
    return this.permitted
  }

  requestDevice(): Promise<FakeDevice> {
    this.requests++
    return this.chosen()
  }
}
