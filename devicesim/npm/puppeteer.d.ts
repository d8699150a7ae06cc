import type { Browser, LaunchOptions } from 'puppeteer-core'
import type { Extension } from './extension.js'
import type { Fault, ImKey, ImKeyOptions, Timeout } from './index.js'

export interface PuppeteerOptions extends ImKeyOptions {
  /** The folders of unpacked extensions to load. */
  extensions?: string[]
  /** The file of a recording. The first run makes it, later ones play it, and IMKEY_UPDATE=1 makes it again. */
  recording?: string
  update?: 'all' | 'missing' | 'none'
  way?: 'plugged' | 'websocket'
}

export interface Launched {
  browser: Browser
  imkey: ImKey
  approve: (options?: Timeout) => Promise<string>
  reject: (options?: Timeout) => Promise<string>
  screen: () => Promise<string[]>
  unplug: () => Promise<void>
  fault: (...faults: Fault[]) => Promise<void>
  extension?: Extension
  /** Writes the report of a failed test. */
  report: (file: string, error?: Error) => Promise<void>
  /** Ends the browser, and checks the recording unless the test has failed. */
  close: (options?: { passed?: boolean }) => Promise<void>
}

/** Starts a browser with the module puppeteer or puppeteer-core. */
export function launch(
  puppeteer: { launch(options?: LaunchOptions): Promise<Browser> },
  options?: PuppeteerOptions,
  own?: LaunchOptions,
): Promise<Launched>
