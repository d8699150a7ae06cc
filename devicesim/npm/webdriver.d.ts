import type { Fault, ImKey, ImKeyOptions, Timeout } from './index.js'

/** The driver of selenium-webdriver, or the browser of WebdriverIO. */
export interface Driver {
  takeScreenshot(): Promise<string>
  getCapabilities?: () => Promise<{ get(name: string): any }>
  capabilities?: any
}

export interface Attached {
  imkey: ImKey
  approve: (options?: Timeout) => Promise<string>
  reject: (options?: Timeout) => Promise<string>
  screen: () => Promise<string[]>
  unplug: () => Promise<void>
  fault: (...faults: Fault[]) => Promise<void>
  /** Writes the report of a failed test. */
  report: (file: string, error?: Error) => Promise<void>
  /** Ends the connection to the simulator. */
  detach: () => void
}

/** The capabilities of a session whose browser has the device plugged in. args are more of Chromium's own, as `--headless`. */
export function capabilities(
  options?: ImKeyOptions & { extensions?: string[] },
  args?: string[],
): Record<string, any> & { browserName: string }

/** The device of a session. */
export function attach(driver: Driver): Promise<Attached>
