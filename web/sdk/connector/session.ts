// A session with the connector's window: it opens the window, hands over one port, and notices when the window is gone.

import { type FromSite, mostToBroker, readToSite, type ToSite, version as protocol, write } from '../protocol/messages'
import { badParams } from '../provider/refusal'
import { closedEarly, noAnswer, otherVersion, windowGone } from './obstacles'

/** How long the page of the connector may take to load and to answer, in milliseconds. */
const loadWithin = 30_000

/** How long a page that was open already may take, before it is loaded again. */
const answerWithin = 3_000

/** The time between two looks at the window, in milliseconds, and every how many it is asked. A hidden page looks less often. */
const [tick, every] = [200, 5]

/** The number of beats without an answer after which the window counts as gone: it crashed, or shows another page. */
const mostSilent = 15

/**
 * The name of an empty frame in the page of each side. When the process of a page ends, its window stays as it is, but its frames are gone. A
 * port says nothing of that.
 */
const alive = 'imkey-alive'

/** Connector is where the window's page is. */
export interface Connector {
  readonly url: string
  readonly origin: string
}

/** Listeners are told what the connector says besides answers. */
export interface Listeners {
  /** The connector answered for the first time. */
  welcome(accounts: readonly string[]): void
  event(event: Extract<ToSite, { type: 'event' }>): void
  /** The session is over. All its requests were rejected. */
  ended(): void
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A message between the two windows. Everything else goes through the port, which only the two have. */
export const greeting = (what: 'ready' | 'hello') => `imkey-connector ${what}`

/** Session is one page of the connector in its window, from the handshake until the page is gone. */
export class Session {
  /** Settles when the connector has answered the handshake. */
  readonly ready: Promise<void>
  readonly #window: Window
  readonly #connector: Connector
  readonly #listeners: Listeners
  readonly #sdk: string
  readonly #pending = new Map<number, Pending>()
  readonly #over = new AbortController()
  readonly #timer: ReturnType<typeof setInterval>
  #port: MessagePort | undefined
  #welcomed: Pending | undefined
  #ids = 0
  #looks = 0
  #silent = 0
  readonly #began = performance.now()
  #navigated: boolean
  readonly #frame = document.createElement('iframe') // this page's own
  #page: { readonly closed: boolean } | undefined // the frame of the connector's page
  #lost = false // it is gone
  #version = 0

  /** The window is blank, or shows the page already. */
  constructor(window: Window, connector: Connector, sdk: string, listeners: Listeners) {
    this.#window = window
    this.#connector = connector
    this.#sdk = sdk
    this.#listeners = listeners
    this.ready = new Promise<void>((resolve, reject) => (this.#welcomed = { resolve: () => resolve(), reject }))
    this.ready.catch(() => {})
    addEventListener('message', (event) => this.#told(event), { signal: this.#over.signal })
    addEventListener('pagehide', () => this.end(windowGone(connector.origin)), { signal: this.#over.signal })
    this.#timer = setInterval(() => this.#look(), tick)
    this.#frame.name = alive
    this.#frame.style.display = 'none'
    document.documentElement.append(this.#frame)
    this.#navigated = isBlank(window)
    if (this.#navigated) this.#navigate()
    else this.#hello()
  }

  /** alive says whether requests can be sent, now or when the session is ready. */
  get alive(): boolean {
    return !this.#over.signal.aborted
  }

  /** The version of the protocol that both sides use, once the session is ready. */
  get version(): number {
    return this.#version
  }

  /** look is alive, after a look at the window. */
  look(): boolean {
    if (this.alive && this.#window.closed && !this.#welcomed) this.end(windowGone(this.#connector.origin))
    return this.alive
  }

  /** request sends a request, and settles as the connector does. An aborted one settles when the device is idle. */
  async request(message: Omit<Extract<FromSite, { type: 'request' }>, 'type' | 'id'>, signal: AbortSignal | undefined): Promise<unknown> {
    await this.ready
    if (signal?.aborted) throw signal.reason
    const id = ++this.#ids
    let text: string
    try {
      text = write({ type: 'request', id, ...message })
    } catch (cause) {
      throw badParams(`the params of ${message.method} cannot be written as JSON: ${String((cause as Partial<Error>).message ?? cause)}`)
    }
    if (text.length > mostToBroker) throw badParams(`the request is longer than ${mostToBroker >> 10} kB`)
    if (!this.alive) throw windowGone(this.#connector.origin)
    const cancel = () => this.#post({ type: 'cancel', id })
    signal?.addEventListener('abort', cancel, { once: true })
    return new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#port!.postMessage(text)
    }).finally(() => {
      this.#pending.delete(id)
      signal?.removeEventListener('abort', cancel)
    })
  }

  /** end rejects all requests. Nothing that the window sends counts any more. */
  end(error: Error): void {
    if (!this.alive) return
    this.#over.abort()
    clearInterval(this.#timer)
    this.#post({ type: 'bye' })
    this.#port?.close()
    this.#frame.remove()
    this.#welcomed?.reject(error)
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
    this.#listeners.ended()
  }

  /** #navigate loads the connector's page. The page tells this origin that it is ready; it learns from the browser who says hello. */
  #navigate() {
    this.#navigated = true
    this.#window.location.replace(`${this.#connector.url}#${location.origin}`)
  }

  #hello() {
    const { port1, port2 } = new MessageChannel()
    this.#port?.close()
    this.#port = port1
    port1.onmessage = ({ data }) => {
      if (this.#port === port1) this.#got(data)
    }
    this.#window.postMessage(greeting('hello'), this.#connector.origin, [port2])
    this.#post({ type: 'hello', v: protocol, sdk: this.#sdk })
  }

  #told({ source, origin, data }: MessageEvent) {
    if (source !== this.#window || origin !== this.#connector.origin || data !== greeting('ready')) return
    if (this.#welcomed) this.#hello()
    else this.end(windowGone(this.#connector.origin)) // the page was loaded again, and what it had been asked is lost
  }

  #got(data: unknown) {
    if (!this.alive) return
    this.#silent = 0
    if (data === '?') return this.#port!.postMessage('!') // the window asks whether this page is there
    let message: ToSite
    try {
      message = readToSite(data)
    } catch (sentence) {
      this.end(otherVersion(this.#connector.origin, String(sentence)))
      return
    }
    switch (message.type) {
      case 'welcome':
        if (message.v > protocol) return this.end(otherVersion(this.#connector.origin, `version ${message.v}`))
        if (!this.#welcomed) return
        this.#version = message.v
        this.#listeners.welcome(message.accounts)
        this.#welcomed.resolve(undefined)
        this.#welcomed = undefined
        return
      case 'result':
        return this.#pending.get(message.id)?.resolve(message.result)
      case 'error': {
        const { id, code, message: text, data } = message
        const error = Object.assign(new Error(text), { rpc: { code, ...(data !== undefined && { data }) } })
        if (id === null || this.#welcomed) return this.end(error)
        return this.#pending.get(id)?.reject(error)
      }
      case 'event':
        return this.#listeners.event(message)
      case 'bye':
        return this.end(windowGone(this.#connector.origin))
    }
  }

  #look() {
    const { origin } = this.#connector
    if (this.#window.closed) {
      if (!this.#welcomed) return this.end(windowGone(origin))
      clearInterval(this.#timer)
      void closedEarly(origin).then((error) => this.end(error))
      return
    }
    if (!this.#welcomed) this.#pageEnded()
    if (!this.alive) return
    if (this.#welcomed) {
      const waited = performance.now() - this.#began
      if (waited > loadWithin) this.end(noAnswer(this.#connector.url))
      else if (waited > answerWithin && !this.#navigated) this.#navigate()
    } else if (this.#pending.size > 0 && ++this.#looks % every === 0) {
      if (++this.#silent > mostSilent) this.end(windowGone(origin))
      else this.#post({ type: 'beat' })
    }
  }

  /**
   * #pageEnded notices that the process of the connector's page ended: its frame is gone and it has not said bye, also not a look later. The page
   * is loaded again, because it alone can stop what the device still asks.
   */
  #pageEnded() {
    if (this.#lost) {
      this.end(windowGone(this.#connector.origin))
      this.#navigate()
      return
    }
    try {
      this.#page ??= (this.#window as unknown as Record<string, { readonly closed: boolean }>)[alive]
    } catch {
      // another origin's window says so where there is no such frame, as in a connector of an earlier version
    }
    this.#lost = this.#page?.closed === true
  }

  #post(message: FromSite) {
    this.#port?.postMessage(write(message))
  }
}

/** isBlank says whether a window shows nothing yet. The page of another origin does not say where it is. */
function isBlank(window: Window): boolean {
  try {
    return window.location.href === 'about:blank'
  } catch {
    return false
  }
}
