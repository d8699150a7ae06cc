import type { Device, DeviceInfo } from '../types/imkey'
import { Queue } from './queue'
import { abortedByCaller } from './refusal'

/**
 * Turns gives jobs their turn with a device, one after another. The device is open for a job alone, so that other tabs and programs can
 * use it in between; a next job on the same device that waits already finds it open. The engines of several sites share one Turns.
 */
export class Turns {
  readonly #queue = new Queue(() => this.#release())
  #open: Device | undefined // opened for a job, and still open for the next one
  #takenOver: Device | undefined // by another tab, during a job: the next job takes it back

  /** use runs a job when its turn comes. If the signal aborts before that, the job leaves the queue at once. */
  use<T>(signal: AbortSignal | undefined, job: () => Promise<T>): Promise<T> {
    return this.#queue.run(
      signal,
      () => abortedByCaller(signal),
      async () => {
        try {
          return await job()
        } finally {
          if (this.#queue.idle) await this.#release()
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

  async #release() {
    const device = this.#open
    this.#open = undefined
    await device?.close().catch(() => {}) // it was unplugged, or is released all the same
  }
}
