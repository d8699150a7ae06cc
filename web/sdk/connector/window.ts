// What the providers of all coins do with the connector's window.

import { noPage, opaqueOrigin, popupBlocked, windowGone } from './obstacles'
import { Revocation } from './revocation'
import { type Connector, type Listeners, Session } from './session'

type Message = Parameters<Session['request']>[0]

/** WindowOptions are what a provider gives to its window. */
export interface WindowOptions extends Pick<Listeners, 'event'> {
  readonly url: string
  /** The version of the library. */
  readonly sdk: string
  readonly coin: string
  /** Opens the window, blank, or gives the one that this page opened before. It is called within a click. */
  readonly open: () => Window | null | undefined
  /** The request that takes the site's permission back. */
  readonly revocation: Message
  /** The connector answered: it has these accounts for the site. */
  readonly welcome: Listeners['welcome']
  /** Another tab of the site gave the permission back. */
  readonly revoked: () => void
  /** The window is gone, and with it what it was asked. */
  readonly gone: () => void
}

/** ConnectorWindow has the session with the connector's window. It tells the connector what the site gave back before anything else. */
export class ConnectorWindow {
  readonly connector: Connector
  readonly #options: WindowOptions
  readonly #revocation: Revocation
  #session: Session | undefined
  #window: Window | undefined // of the last session; it may still be open

  constructor(options: WindowOptions) {
    const { url, coin } = options
    this.#options = options
    this.connector = { url, origin: new URL(url).origin }
    this.#revocation = new Revocation(url, coin, () => {
      options.revoked()
      this.#tell()
    })
  }

  /** open says whether there is a session with the window. */
  get open(): boolean {
    return this.#session?.alive === true
  }

  /** look is open, after a look at the window: one that the user just closed takes no request any more. */
  look(): boolean {
    return this.#session?.look() === true
  }

  /** revoked says whether the site gave its permission back, and the connector may not know of it. What it says of accounts is out of date then. */
  get revoked(): boolean {
    return this.#revocation.pending
  }

  /** revoke gives the permission back. Where the window is closed, the connector is told when it opens. */
  revoke(): void {
    this.#revocation.note()
    this.#tell()
  }

  /** connect gives the session with the window. It opens the window if it is not open, which browsers allow within a click only. */
  connect(): Session {
    if (this.look()) {
      this.#window?.focus() // works within a click only
      return this.#session!
    }
    if (!globalThis.document) throw noPage()
    if (location.origin === 'null') throw opaqueOrigin()
    const last = this.#window?.closed === false ? this.#window : undefined
    const { open, sdk, welcome, event, gone } = this.#options
    const window = open() ?? last
    if (!window) throw popupBlocked(this.connector.origin)
    this.#window = window
    const session = new Session(window, this.connector, sdk, {
      welcome: (accounts) => {
        welcome(this.revoked ? [] : accounts)
        this.#tell()
      },
      event,
      ended: () => {
        if (this.#session !== session) return
        this.#session = undefined
        gone()
      },
    })
    this.#session = session
    return session
  }

  /** request sends a request, after what the connector has to know before it. */
  async request(session: Session, message: Message, signal?: AbortSignal): Promise<unknown> {
    await this.#told(session)
    return session.request(message, signal)
  }

  end(): void {
    this.#session?.end(windowGone(this.connector.origin))
  }

  /** #tell tells the connector if its window is open. If that fails, the next request tells it again. */
  #tell() {
    if (this.open) this.#told(this.#session!).catch(() => {})
  }

  #told(session: Session): Promise<void> {
    return this.#revocation.tell(() => session.request(this.#options.revocation, undefined))
  }
}
