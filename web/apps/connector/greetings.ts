// The greetings between the connector's window and a site: see sdk/connector/session.ts for the other side. Everything after them goes
// through a port that only the two have.

const ready = 'imkey-connector ready'
const hello = 'imkey-connector hello'

/** What the window asks a site now and then, and what the site answers. These are no messages of the broker's protocol. */
const [question, answer] = ['?', '!']

/**
 * The time between two looks at a site, in milliseconds; every how many looks it is asked; the number of unanswered questions after which it
 * counts as gone; and the number of looks that it has for an answer when its frame is gone.
 */
const [pause, every, mostSilent, mostDoubt] = [400, 5, 8, 2]

/**
 * The name of an empty frame in the page of each side. When the process of a page ends, its window stays, but its frames are gone at once. A
 * port says nothing of that, and a page that is only busy answers nothing either.
 */
export const alive = 'imkey-alive'

/** Asking is the window of a site, of which a page of another origin sees the frames. */
export type Asking = Readonly<Record<string, { readonly closed: boolean } | undefined>>

/** Connect gives a port to the broker: see Broker.connect. */
export type Connect = (port: { readonly post: (message: string) => void; readonly close: () => void }) => {
  receive(data: unknown): void
  closed(): void
}

/**
 * attend connects a port with the broker, until one side ends. It tells the broker when the site is gone. A port does not say so by itself: a
 * page that crashed is only silent. source is the window that greeted. The broker bounds how many ports there are.
 */
export function attend(port: MessagePort, connect: Connect, source?: Asking): void {
  let [looks, silent, doubt] = [0, 0, 0]
  let frame: { readonly closed: boolean } | undefined
  let over = false
  const ask = () => {
    silent++
    port.postMessage(question)
  }
  const look = () => {
    if (frame?.closed) {
      frame = undefined
      doubt = 1 // the page may have removed it
      return ask()
    }
    try {
      if (doubt === 0) frame ??= source?.[alive]
    } catch {
      // there is no frame of that name, or not yet
    }
    if (silent >= mostSilent || (doubt > 0 && ++doubt > mostDoubt)) {
      port.postMessage('{"type":"bye"}') // a page that was only frozen connects again
      site.closed()
      close()
    } else if (++looks % every === 0) ask()
  }
  const close = () => {
    over = true
    clearInterval(timer)
    port.onmessage = null
    port.close()
  }
  const timer = setInterval(look, pause)
  const site = connect({ post: (message) => port.postMessage(message), close })
  if (over) return // the broker refused it
  port.onmessage = ({ data }) => {
    silent = doubt = 0
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
export function greetings(window: Opened, connect: (origin: string, port: MessagePort, source: unknown) => void): void {
  window.addEventListener('message', ({ data, origin, ports, source }) => {
    const [port] = ports
    if (data !== hello || ports.length !== 1 || !port || !isSite(origin)) return
    connect(origin, port, source)
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
