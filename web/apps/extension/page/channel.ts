// The events between the extension's two scripts in a page: inpage.ts, which runs among the page's own scripts and is the provider,
// and relay.ts, which the page cannot reach and which has the way to the extension. Any script of the page can send these events,
// too. That gives it nothing, because what a request may do follows from the origin that the browser names.

/** A provider looks for a relay; the detail is the name of its channel. The first relay that has none takes it and stops the event. */
export const wanted = 'imkey-connect:provider'

/** A relay is there that has no channel yet. Two copies of the extension in one browser have one relay and one provider each. */
export const offered = 'imkey-connect:relay'

/** The events of a channel. The detail of the first two is a message as JSON text. */
export const named = (channel: string) => ({
  toWallet: `imkey-connect:${channel}:to-wallet`,
  toPage: `imkey-connect:${channel}:to-page`,
  /** The connection is gone. What the page asked so far is not answered by the next one. */
  lost: `imkey-connect:${channel}:lost`,
  /**
   * The reason is known, and is the detail. 'stopped' is the end of what the page had asked when the connection was lost. 'updated' and
   * 'unreachable' are the end of all that it asked.
   */
  ended: `imkey-connect:${channel}:ended`,
  /** The relay took the channel. */
  taken: `imkey-connect:${channel}:taken`,
  /** The user wants the provider to be window.ethereum. */
  legacy: `imkey-connect:${channel}:legacy`,
})

/** The longest message, in UTF-16 code units. The same number limits the bytes of the message protocol. */
export const longest = 262_144
