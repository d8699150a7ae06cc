import type {
  BrowserContext,
  TestType,
  PlaywrightTestArgs,
  PlaywrightTestOptions,
  PlaywrightWorkerArgs,
  PlaywrightWorkerOptions,
} from '@playwright/test'
import type { Extension } from './extension.js'
import type { Fault, ImKey, ImKeyOptions, Timeout } from './index.js'

export { expect } from '@playwright/test'

export interface ImKeyFixtureOptions {
  /** Options of the device, and the folders of unpacked extensions to load. They, and the site of baseURL, may use the device. */
  imkeyOptions: ImKeyOptions & { extensions?: string[] }
  /**
   * The name of a recording in the folder `recordings` beside the test. The first run makes it, later ones play it in place of a device,
   * and `--update-snapshots` makes it again.
   */
  recording: string | undefined
  /** `plugged` is an unmodified browser, on Linux. `websocket` is the lesser way: a WebSocket device in place of navigator.usb. */
  way: 'plugged' | 'websocket'
}

export interface ImKeyFixtures {
  /** The device of this test, and its user. */
  imkey: ImKey
  /** Waits for a question, reads it, and confirms it. */
  approve: (options?: Timeout) => Promise<string>
  /** The same, and rejects it. */
  reject: (options?: Timeout) => Promise<string>
  screen: () => Promise<string[]>
  unplug: () => Promise<void>
  fault: (...faults: Fault[]) => Promise<void>
  /** The first extension of `imkeyOptions.extensions`. */
  extension: Extension
  imkeySession: { context: BrowserContext; imkey: ImKey; ids: string[] }
  imkeyContext: Record<string, unknown>
}

export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & ImKeyFixtureOptions & ImKeyFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions
>
