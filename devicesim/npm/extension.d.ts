import type { Timeout } from './index.js'

/** A session of the DevTools protocol: Playwright's CDPSession, or Puppeteer's. */
export interface Session {
  send(method: any, params?: any): Promise<any>
}

export interface Target {
  targetId: string
  type: string
  url: string
}

/** An unpacked extension under test: its worker, popup, windows and offscreen document. */
export class Extension {
  constructor(id: string, session: Session)
  readonly id: string
  /** `chrome-extension://ID` */
  readonly origin: string
  url(path: string): string
  /** The parts that run. */
  targets(): Promise<Target[]>
  /** Waits for the `worker`, or for the page at a path, as `offscreen.html`. */
  part(which: string, options?: Timeout): Promise<Target>
  /** Ends a part on purpose. */
  kill(which: string): Promise<void>
}
