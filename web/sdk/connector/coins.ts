// What asks a connector's window for a coin besides Ethereum. Each provider has a session of its own with the one window.

import type { OtherCoin } from '../provider/review'
import { otherVersion, windowGone } from './obstacles'
import { ConnectorWindow } from './window'

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
  readonly #coin: OtherCoin
  readonly #window: ConnectorWindow

  constructor(url: string, sdk: string, coin: OtherCoin, listeners: CoinListeners) {
    this.#coin = coin
    this.#window = new ConnectorWindow({
      url,
      sdk,
      coin,
      open: () => open('', url, 'popup,width=440,height=760'),
      revocation: { method: `${coin}_revokePermissions`, params: {}, coin },
      welcome: () => {},
      event: ({ name, payload, coin: of }) => {
        if (name === 'accountsChanged' && of === coin) listeners.changed(this.#window.revoked ? [] : payload)
      },
      revoked: () => listeners.changed([]),
      gone: () => listeners.gone(windowGone(this.#window.connector.origin)),
    })
  }

  /** ask sends a request, and opens the window for it if it is closed. Giving back a permission opens none: the connector is told later. */
  async ask(method: string, params: object): Promise<unknown> {
    if (method === `${this.#coin}_revokePermissions`) {
      this.#window.revoke()
      return null
    }
    if (method === `${this.#coin}_accounts` && !this.#window.look()) return []
    const session = this.#window.connect() // before any await: the browser opens a window only within the click
    await session.ready
    if (session.version < first) throw otherVersion(this.#window.connector.origin, `it has no ${this.#coin}`)
    return this.#window.request(session, { method, params: params as never, coin: this.#coin })
  }
}
