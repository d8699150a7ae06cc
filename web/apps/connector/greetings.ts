// The greetings between the connector's window and a site: see sdk/connector/session.ts for the other side. Everything after them goes
// through a port that only the two have.

const ready = 'imkey-connector ready'
const hello = 'imkey-connector hello'

/** The most ports that the window takes. A page has one for each provider; a page that was loaded again has new ones. */
const most = 64

/** What the window asks a site now and then, and what the site answers. These are no messages of the broker's protocol. */
const [ask, answer] = ['?', '!']

/** The time between two such questions, in milliseconds, and the number of unanswered ones after which the site counts as gone. */
const [pause, mostSilent] = [2000, 8]

/**
 * attend passes what a site says on to the broker, and tells the broker when the site is gone. A port does not say so by itself: a page that
 * crashed is only silent.
 */
export function attend(port: MessagePort, site: { receive(data: unknown): void; closed(): void }): void {
  let silent = 0
  const timer = setInterval(() => {
    if (++silent <= mostSilent) return port.postMessage(ask)
    clearInterval(timer)
    port.postMessage('{"type":"bye"}') // a page that was only frozen connects again
    site.closed()
    port.close()
  }, pause)
  port.onmessage = ({ data }) => {
    silent = 0
    if (data !== answer) site.receive(data)
  }
}

/** Opened is the part of a window that the greetings use. */
export interface Opened {
  readonly opener: Pick<Window, 'postMessage'> | null
  readonly location: Pick<Location, 'hash'>
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}

/**
 * greetings tells the site that opened the window that it is ready, and calls connect with each port that a site hands over. The origin is
 * the one that the browser vouches for. A page without an origin, as in a sandboxed frame, gets nothing.
 */
export function greetings(window: Opened, connect: (origin: string, port: MessagePort) => void): void {
  let taken = 0
  window.addEventListener('message', ({ data, origin, ports }) => {
    const [port] = ports
    if (data !== hello || ports.length !== 1 || !port || !isSite(origin) || taken >= most) return
    taken++
    connect(origin, port)
  })
  // The browser delivers it only if the opener has that origin: the address of this window is no proof of who opened it.
  const claimed = claimedOrigin(window.location.hash)
  if (claimed !== undefined) window.opener?.postMessage(ready, claimed)
}

/** isSite reports whether an origin is that of a site: not opaque, and encrypted or on this computer. */
export function isSite(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, hostname, origin: own } = new URL(origin)
  if (own !== origin) return false
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
}

function claimedOrigin(hash: string): string | undefined {
  const claimed = hash.slice(1)
  return isSite(claimed) ? claimed : undefined
}
