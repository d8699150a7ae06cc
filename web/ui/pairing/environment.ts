import type { Report } from '../model/report'
import type { Device, ImKey } from '../model/sdk'

/** Simulator is what the page knows about the simulator that serves it. */
export interface Simulator {
  /** Returns an object that behaves like navigator.usb and has the simulated device on it. */
  usb(): Promise<unknown>
  /** The serial number of the simulated device. It tells the simulated device from a real one beside it. */
  readonly serial: string
  /** The public keys of the simulator's CAs, in hex. */
  readonly cas: readonly string[]
  /** Returns how many wrong codes are left before the device locks, or null if the simulator does not say. */
  tries(): Promise<number | null>
}

/** Environment is all that the pairing needs from outside. A test gives its own. */
export interface Environment {
  /** Loads the SDK on the browser's USB, or on another object that behaves like it. */
  load(usb?: unknown): Promise<ImKey>
  readonly support: { readonly supported: boolean; readonly reason?: string }
  readonly simulator: Simulator | null
  /** The only device to bind, if the caller chose one. It is open, and the pairing leaves it open. */
  readonly given?: Device
  /**
   * Shows the binding code that this browser keeps. It is called just before the state that says that the code is shown, and
   * the code must go with that state. The code is passed nowhere else. Without this function there is no code to view.
   */
  reveal?(code: string): void
  /** Resolves after `ms` milliseconds, or rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  readonly report: Report
}
