/** USBLike is the part of navigator.usb that the SDK uses. */
export type USBLike = Pick<USB, 'getDevices' | 'requestDevice' | 'addEventListener' | 'removeEventListener'>

type Kind = 'connect' | 'disconnect'
type Listener = (event: USBConnectionEvent) => void

/** JoinedUSB is the browser's own USB, together with that of a simulator once it is added. The chooser stays the browser's. */
export class JoinedUSB implements USBLike {
  readonly #own: USBLike | undefined
  readonly #listeners: [Kind, Listener][] = []
  #other: USBLike | undefined

  constructor(own: USBLike | undefined) {
    this.#own = own
  }

  /** add adds the devices of a simulator. Those that are plugged in are reported as connected. */
  async add(other: USBLike): Promise<void> {
    if (this.#other) return
    this.#other = other
    for (const [kind, listener] of this.#listeners) other.addEventListener(kind, listener as EventListener)
    const devices = await other.getDevices()
    if (devices.length === 0) await other.requestDevice({ filters: [] })
  }

  async getDevices(): Promise<USBDevice[]> {
    const lists = await Promise.all([this.#own?.getDevices() ?? [], this.#other?.getDevices() ?? []])
    return lists.flat()
  }

  requestDevice(options: USBDeviceRequestOptions): Promise<USBDevice> {
    if (this.#own) return this.#own.requestDevice(options)
    return Promise.reject(new DOMException('this browser has no WebUSB', 'NotFoundError'))
  }

  addEventListener(kind: Kind, listener: unknown): void {
    this.#listeners.push([kind, listener as Listener])
    for (const usb of [this.#own, this.#other]) usb?.addEventListener(kind, listener as EventListener)
  }

  removeEventListener(kind: Kind, listener: unknown): void {
    for (const usb of [this.#own, this.#other]) usb?.removeEventListener(kind, listener as EventListener)
  }
}
