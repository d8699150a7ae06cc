// What asks a connector's window for a coin besides Ethereum. Each provider has a session of its own with the one window.

import type { OtherCoin } from '../provider/review'
import { noPage, opaqueOrigin, otherVersion, popupBlocked, windowGone } from './obstacles'
import { type Connector, Session } from './session'

/** CoinListeners are told what the connector says besides answers. */
export interface CoinListeners {
  /** The accounts that the site may see changed. */
  changed(accounts: unknown): void
  /** The window is gone. */
  gone(error: Error): void
}

/** The first version of the protocol that has coins besides Ethereum. */
const first = 2

/** CoinClient opens the window, in a click, and sends requests for one coin there. */
export class CoinClient {
  readonly #connector: Connector
  readonly #sdk: string
  readonly #coin: OtherCoin
  readonly #listeners: CoinListeners
  #session: Session | undefined
  #window: Window | undefined // of the last session; it may still be open
  #revoked = false // the connector was not told yet

  constructor(url: string, sdk: string, coin: OtherCoin, listeners: CoinListeners) {
    this.#connector = { url, origin: new URL(url).origin }
    this.#sdk = sdk
    this.#coin = coin
    this.#listeners = listeners
  }

  /** ask sends a request, and opens the window for it if it is closed. Taking back a permission opens none: the connector is told later. */
  async ask(method: string, params: object): Promise<unknown> {
    const revokes = method === `${this.#coin}_revokePermissions`
    const quiet = revokes || method === `${this.#coin}_accounts`
    if (revokes) this.#revoked = true
    if (quiet && !this.#session?.look()) return []
    const session = this.#connect() // before any await: the browser opens a window only within the click
    await session.ready
    if (session.version < first) throw otherVersion(this.#connector.origin, `it has no ${this.#coin}`)
    if (this.#revoked) {
      this.#revoked = false
      await this.#send(session, `${this.#coin}_revokePermissions`, {}).catch((thrown: unknown) => {
        this.#revoked = true
        throw thrown
      })
      if (revokes) return null
    }
    return this.#send(session, method, params)
  }

  #send(session: Session, method: string, params: object): Promise<unknown> {
    return session.request({ method, params: params as never, coin: this.#coin }, undefined)
  }

  #connect(): Session {
    if (this.#session?.look()) {
      this.#window?.focus() // works within a click only
      return this.#session
    }
    if (!globalThis.document) throw noPage()
    if (location.origin === 'null') throw opaqueOrigin()
    const { url, origin } = this.#connector
    const last = this.#window?.closed === false ? this.#window : undefined
    const window = open('', url, 'popup,width=440,height=760') ?? last
    if (!window) throw popupBlocked(origin)
    this.#window = window
    const session = new Session(window, this.#connector, this.#sdk, {
      welcome: () => {},
      event: ({ name, payload, coin }) => {
        if (name === 'accountsChanged' && coin === this.#coin) this.#listeners.changed(payload)
      },
      ended: () => {
        if (this.#session !== session) return
        this.#session = undefined
        this.#listeners.gone(windowGone(origin))
      },
    })
    this.#session = session
    return session
  }
}
