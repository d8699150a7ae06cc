import type { Fault, ImKey, ImKeyOptions, Timeout } from './index.js'

/** The driver of selenium-webdriver, or the browser of WebdriverIO. */
export interface Driver {
  takeScreenshot(): Promise<string>
  getCapabilities?: () => Promise<{ get(name: string): any }>
  getWindowHandle(): Promise<string>
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
}

/** The capabilities of a session whose browser has the device plugged in. args are more of Chromium's own, as `--headless`. */
export function capabilities(
  options?: ImKeyOptions & { extensions?: string[] },
  args?: string[],
): Record<string, any> & { browserName: string }

/** The capabilities of a session on a grid. A node with the settings of `gridNode` takes them. */
export function gridCapabilities(options?: ImKeyOptions, args?: string[]): Record<string, any> & { browserName: string }

/** The settings of a node of Selenium Grid, as TOML for its option `--config`. The browser is that of this package, unless it is named. */
export function gridNode(options: { sessions: number; browser?: string; chromedriver?: string }): string

/**
 * The device of a session. If the browser runs on another machine, a tab of its own reaches the device. The tab under test is the active one
 * between two calls, and no command must run during a call. `remote` says where it runs; without it, attach looks for the profile here.
 */
export function attach(driver: Driver, options?: { remote?: boolean }): Promise<Attached>
