import type { ErrorCode } from 'imkey-connect'
import { sameShown } from './facts'
import type { BindingStatus, BindOptions, Device, DeviceInfo, ImKey, KnownDevice, Shown } from './sdk'

/** errorCodes are the codes that core knows. */
export const errorCodes = process.env['ERROR_CODES']!.split(',') as ErrorCode[]

/** fail makes an error like those of the SDK. */
export function fail(code: string, more: object = {}): Error {
  return Object.assign(new Error(code), { code, ...more })
}

/** Gate is a promise that a test settles. */
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

/** FakeDevice answers as a test sets it up, and records the calls. */
export class FakeDevice extends EventTarget implements Device {
  info: DeviceInfo = {
    seid: '18000000000000000102030405060708',
    serial: 'imKey01191200001',
    firmware: '1.6.03',
    bootloader: '1.4.00',
    battery: 80,
    charging: false,
    bleName: null,
    bleVersion: null,
    lifeCycle: 'ready',
    secureElementKey: '04' + '5e'.repeat(64),
    certificate: 'verified',
    certificateKey: '04' + '1a'.repeat(64),
    persisted: true,
  }
  serialNumber: string | null = 'imKey01191200001'
  readonly asked: string[] = []
  statuses: (BindingStatus | Error)[] = ['unbound']
  onOpen: (takeOver: boolean) => Promise<void> = async () => undefined
  onShow: () => Promise<void> = async () => undefined
  onReveal: () => Promise<string> = async () => 'ABCDEFGH'
  onForget: () => Promise<void> = async () => undefined
  onAccept: () => void = () => undefined
  onClose: () => Promise<void> = async () => undefined
  onBind: (code: string, options: BindOptions) => Promise<void> = async () => undefined
  /** The keys that a code was proved to. */
  readonly proved: (string | null)[] = []
  /** What answers in the place of this device from the next call on, as after a freeze. */
  #other: DeviceInfo | null = null

  /** Puts another device in the place of this one. The next call finds it, and does what the SDK then does. */
  replace(more: Partial<DeviceInfo>): void {
    this.#other = { ...this.info, ...more }
  }

  /** Refuses another device as the SDK does, which closes it, and the core. */
  #refuse(shown?: Shown): void {
    if (this.#other) {
      this.asked.push('refused')
      this.dispatchEvent(new CustomEvent('disconnect', { detail: { code: 'device-changed' } }))
      throw fail('device-changed')
    }
    if (shown && !sameShown(shown, this.info)) throw fail('device-changed')
  }

  async open({ takeOver = false }: { takeOver?: boolean } = {}): Promise<void> {
    this.asked.push(takeOver ? 'take over' : 'open')
    // The SDK refuses another device once, and then says what it is.
    if (this.#other && !this.asked.includes('refused')) this.#refuse()
    if (this.#other) this.info = this.#other
    this.#other = null
    await this.onOpen(takeOver)
  }

  async close(): Promise<void> {
    this.asked.push('close')
    await this.onClose()
  }

  async bindingStatus({ acceptUnverified, shown }: { acceptUnverified?: boolean; shown?: Shown } = {}): Promise<BindingStatus> {
    this.#refuse(shown)
    this.asked.push(acceptUnverified ? 'status accept=true' : 'status')
    if (acceptUnverified) this.onAccept()
    const status = this.statuses.length > 1 ? this.statuses.shift()! : this.statuses[0]!
    if (status instanceof Error) throw status
    return status
  }

  async showBindingCode(): Promise<void> {
    this.#refuse()
    this.asked.push('show')
    await this.onShow()
  }

  async bind(code: string, options: BindOptions = {}): Promise<void> {
    this.#refuse(options.shown)
    this.asked.push(`bind accept=${options.acceptUnverified} keep=${options.rememberCode}${options.newKey ? ' new key' : ''}`)
    this.proved.push(this.info.secureElementKey)
    await this.onBind(code, options)
  }

  async revealBindingCode(options: { acceptUnverified?: boolean; shown?: Shown } = {}): Promise<string> {
    this.#refuse(options.shown)
    this.asked.push(`reveal accept=${options.acceptUnverified}`)
    return this.onReveal()
  }

  async forget({ shown }: { shown?: Shown } = {}): Promise<void> {
    this.#refuse(shown)
    this.asked.push('forget')
    await this.onForget()
  }

  interaction(state: 'waiting' | 'done'): void {
    this.dispatchEvent(new CustomEvent('interaction', { detail: { state, reason: 'confirm' } }))
  }

  unplug(detail: object = {}): void {
    this.dispatchEvent(new CustomEvent('disconnect', { detail }))
  }
}

/** knownDevice makes a record of the fake device. */
export function knownDevice(more: Partial<KnownDevice> = {}): KnownDevice {
  return {
    seid: '18000000000000000102030405060708',
    serial: 'imKey01191200001',
    name: null,
    state: 'bound',
    boundAt: new Date('2026-01-02T03:04:05Z'),
    secureElementKey: '04' + '5e'.repeat(64),
    certificate: 'verified',
    certificateKey: '04' + '1a'.repeat(64),
    codeKept: true,
    keyFromFile: false,
    ...more,
  }
}

/** FakeImKey has permitted devices, and one that the chooser returns. */
export class FakeImKey extends EventTarget implements ImKey {
  permitted: FakeDevice[] = []
  chosen: () => Promise<FakeDevice>
  requests = 0
  known: KnownDevice[] = []
  /** The calls that concern records. */
  readonly asked: string[] = []
  onKnown: () => Promise<void> = async () => undefined
  onRename: () => Promise<void> = async () => undefined
  onForget: () => Promise<void> = async () => undefined
  onExport: (passphrase: string, signal?: AbortSignal) => Promise<Uint8Array> = async () => new Uint8Array([1, 2, 3])
  onImport: (passphrase: string, replace: boolean) => Promise<KnownDevice> = async () => knownDevice()

  constructor(device: FakeDevice) {
    super()
    this.chosen = async () => device
  }

  async getDevices(): Promise<FakeDevice[]> {
    return this.permitted
  }

  async knownDevices(): Promise<KnownDevice[]> {
    await this.onKnown()
    return this.known
  }

  /** Refuses a record that is not the one that the user saw, as the core does. */
  #expect(seid: string, shown: Shown | undefined): void {
    const record = this.known.find((known) => known.seid === seid)
    if (record && shown && (record.serial !== shown.serial || record.secureElementKey !== shown.secureElementKey)) {
      throw fail('device-changed', { data: { reason: 'record' } })
    }
  }

  async rename(seid: string, name: string | null, { shown }: { shown?: Shown } = {}): Promise<void> {
    this.#expect(seid, shown)
    this.asked.push(`rename ${name}`)
    await this.onRename()
    this.known = this.known.map((known) => (known.seid === seid ? { ...known, name } : known))
  }

  async forget(seid: string, { shown }: { shown?: Shown } = {}): Promise<void> {
    this.#expect(seid, shown)
    this.asked.push('forget')
    await this.onForget()
    this.known = this.known.filter((known) => known.seid !== seid)
  }

  async exportBinding(
    seid: string,
    passphrase: string,
    { signal, shown }: { signal?: AbortSignal; shown?: Shown } = {},
  ): Promise<Uint8Array> {
    this.#expect(seid, shown)
    this.asked.push('export')
    return this.onExport(passphrase, signal)
  }

  async importBinding(
    _: Uint8Array,
    passphrase: string,
    { seid, replace = false }: { seid?: string; replace?: boolean } = {},
  ): Promise<KnownDevice> {
    this.asked.push(`import only=${seid} replace=${replace}`)
    const known = await this.onImport(passphrase, replace)
    this.known = [...this.known.filter(({ seid }) => seid !== known.seid), known]
    return known
  }

  requestDevice(): Promise<FakeDevice> {
    this.requests++
    return this.chosen()
  }
}
