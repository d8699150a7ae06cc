import type { Device, ImKey } from '../model/sdk'
import type { Environment } from './environment'

/** How long to wait for a device that does not answer, in milliseconds. The SDK gives up earlier. */
const timeout = 15_000

/** ConnectionEvents are what happens to devices without the user's doing something on the page. */
export interface ConnectionEvents {
  /** A device that this page may use was plugged in (true) or unplugged (false). */
  plugged(came: boolean): void
  /** The open device was lost. The detail is that of the SDK's disconnect event. */
  lost(detail: { readonly reason?: unknown } | null): void
}

/** Connection is the loaded SDK and the one device that a visit has open. */
export class Connection {
  #imkey: Promise<ImKey> | null = null
  #usb: unknown = undefined
  #device: Device | null = null
  #given: Device | undefined
  /** What was left under way: an exchange with a device, or its closing. Nothing else is asked before it ended. */
  #ending: Promise<unknown> = Promise.resolve()
  readonly #listening = new WeakSet<ImKey>()

  constructor(
    private readonly environment: Environment,
    private readonly events: ConnectionEvents,
  ) {
    this.#given = environment.given
  }

  /** The open device, or one that is being opened. */
  get device(): Device | null {
    return this.#device
  }

  /** The given device until it is unplugged. When it is plugged in again, it is another object. */
  get given(): Device | undefined {
    return this.#given
  }

  /** Loads the SDK. It asks for no permission and touches no device. */
  async imkey(): Promise<ImKey> {
    this.#imkey ??= this.environment.load(this.#usb)
    let imkey: ImKey
    try {
      imkey = await this.#imkey
    } catch (error) {
      this.#imkey = null // the next press loads it again
      throw error
    }
    if (!this.#listening.has(imkey)) {
      this.#listening.add(imkey)
      imkey.addEventListener('connect', () => this.events.plugged(true))
      imkey.addEventListener('disconnect', () => this.events.plugged(false))
    }
    return imkey
  }

  /** From now on, devices are looked for on this object. */
  useUSB(usb: unknown): void {
    this.#usb = usb
    this.#imkey = null
  }

  /** Returns the devices that this page may use, or the given one alone. */
  async permitted(imkey: ImKey): Promise<readonly Device[]> {
    const { given } = this.environment
    const permitted = await imkey.getDevices()
    return given ? permitted.filter((device) => device.serialNumber === given.serialNumber) : permitted
  }

  /** Opens the device in place of the one before. A device that is open stays open. */
  async open(run: AbortSignal, device: Device, takeOver = false): Promise<void> {
    if (this.#device !== device) this.release()
    this.#device = device
    device.removeEventListener('disconnect', this.#lost)
    device.addEventListener('disconnect', this.#lost)
    await this.idle(run)
    await device.open(takeOver ? { takeOver } : {})
    run.throwIfAborted()
  }

  /** Releases the device. It is closed in the background, because a device that does not answer takes seconds. */
  release(): void {
    const device = this.#device
    if (!device) return
    this.#device = null
    device.removeEventListener('disconnect', this.#lost)
    // Closing fails if the device is gone or broken. It is released all the same.
    if (!this.environment.given) this.leaveBehind(device.close())
  }

  /** Forgets the given device: it was unplugged. */
  forgetGiven(): void {
    this.#given = undefined
  }

  /** Makes idle wait for the exchange, however it ends. */
  leaveBehind(exchange: Promise<unknown>): void {
    this.#ending = Promise.all([this.#ending, exchange.catch(() => undefined)])
  }

  /** Waits until nothing that was left behind is under way. It returns false if that takes too long. */
  async idle(run: AbortSignal): Promise<boolean> {
    const enough = new AbortController()
    const idle = await Promise.race([this.#ending.then(() => true), this.environment.wait(timeout, enough.signal).then(() => false)])
    enough.abort()
    run.throwIfAborted()
    return idle
  }

  readonly #lost = (event: Event): void => {
    this.events.lost((event as CustomEvent<{ reason?: unknown } | null>).detail)
  }
}
