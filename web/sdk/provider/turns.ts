import type { Device, DeviceInfo } from '../types/imkey'
import { Queue } from './queue'
import { abortedByCaller } from './refusal'

/** idleLock is the name of a Web Lock without the serial number. The module steals it before it opens a device: bridge/handover describes it. */
const idleLock = 'imkey-connect usb idle '

/**
 * Turns gives jobs their turn with a device, one after another. A next job on the same device finds it open: if it waits already, or if it
 * begins within the time that Turns holds the device. In that time a tab of the same site gets the device at once. Other sites and programs
 * cannot ask for it, so the time is short, and a page that is hidden releases the device. The engines of several sites share one Turns.
 */
export class Turns {
  readonly #queue = new Queue(async () => this.#rest())
  readonly #hold: number
  #open: Device | undefined // opened for a job, and still open for the next one
  #takenOver: Device | undefined // by another tab, during a job: the next job takes it back
  #resting: AbortController | undefined // no job runs and the device is open; aborted when a job begins or the device is released
  #unlocked: Promise<unknown> = Promise.resolve() // when the idle lock is not held any more

  /** hold is how long a device stays open for a next job, in milliseconds. It may be 0. */
  constructor(hold: number) {
    this.#hold = hold
  }

  /** use runs a job when its turn comes. If the signal aborts before that, the job leaves the queue at once. */
  use<T>(signal: AbortSignal | undefined, job: () => Promise<T>): Promise<T> {
    return this.#queue.run(
      signal,
      () => abortedByCaller(signal),
      async () => {
        this.#wake()
        try {
          return await job()
        } finally {
          if (this.#queue.idle) await this.#rest()
        }
      },
    )
  }

  /** take opens a device for the job that runs. It releases the one that was open before, if that is another one. */
  async take(device: Device, signal: AbortSignal | undefined): Promise<DeviceInfo> {
    if (this.#open !== device) await this.#release()
    this.#open = device
    if (!device.opened) await device.open({ takeOver: this.#takenOver === device, resume: true, ...(signal && { signal }) })
    this.#takenOver = undefined
    return device.info
  }

  /** lost notes that another tab took a device over. The next job takes it back. */
  lost(device: Device) {
    this.#takenOver = device
  }

  /** #rest holds the device for a next job, or releases it. */
  #rest(): Promise<void> | undefined {
    if (this.#resting) return undefined
    const locks = globalThis.navigator?.locks // without them no tab could ask
    if (!this.#open?.opened || !this.#hold || !locks || isHidden()) return this.#release()
    const resting = new AbortController()
    const { signal } = resting
    const over = () => {
      if (!signal.aborted) void this.#release()
    }
    const timer = setTimeout(over, this.#hold)
    signal.addEventListener('abort', () => clearTimeout(timer))
    for (const event of ['pagehide', 'freeze', 'visibilitychange']) globalThis.addEventListener?.(event, over, { capture: true, signal })
    const held = (lock: Lock | null) => lock && !signal.aborted && new Promise((woken) => signal.addEventListener('abort', woken))
    const { serialNumber } = this.#open
    // It is settled when another page asks: the lock was stolen, or is not free.
    this.#unlocked = this.#unlocked.then(() => locks.request(idleLock + (serialNumber ?? ''), { ifAvailable: true }, held)).then(over, over)
    this.#resting = resting
    return undefined
  }

  #wake() {
    this.#resting?.abort()
    this.#resting = undefined
  }

  async #release() {
    this.#wake()
    const device = this.#open
    this.#open = undefined
    await device?.close().catch(() => {}) // it was unplugged, or is released all the same
  }
}

const isHidden = () => globalThis.document?.visibilityState === 'hidden'
