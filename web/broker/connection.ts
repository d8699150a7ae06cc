import { rpcError } from '../sdk/provider/errors'
import { Refusal } from '../sdk/provider/refusal'
import {
  type ChainMessage,
  type FromSite,
  mostToSite,
  type OtherCoin,
  readFromSite,
  type ToSite,
  version,
  write,
} from '../sdk/protocol/messages'
import { busy } from './room'
import type { Port } from './types'

/** The most malformed messages of one port. After them it is closed. */
const mostMalformed = 32

/** Asked is a request as a site sent it. */
export interface Asked {
  readonly method: string
  readonly params: unknown
  readonly chain?: ChainMessage
  /** The coin, if it is another one than Ethereum. */
  readonly coin?: OtherCoin
  /** The tab or window that it comes from, if the shell knows it. */
  readonly place: string | undefined
  readonly signal: AbortSignal
  /** Rejects the request at once. */
  readonly abort: (why: unknown) => void
}

/** Behind is what is behind the connections of one origin. */
export interface Behind {
  readonly version: string
  /** Resolves when what is stored has been read. */
  readonly ready: Promise<void>
  /** The same for a request: it rejects when the signal aborts, or when reading takes too long. */
  read(signal: AbortSignal): Promise<void>
  /** What a site that greets is told. */
  greeting(): { readonly accounts: readonly string[]; readonly chainId?: string }
  request(asked: Asked): Promise<unknown>
  /** Notes how much is under way for the origin: it may refuse, or call abort later. It gives the function that ends the note. */
  admit(size: number, from: Pick<Asked, 'place' | 'abort'>): () => void
  left(connection: Connection): void
}

/** From is where a port comes from: see Asked. left is called when the port is closed. */
export interface From {
  readonly place: string | undefined
  readonly left: () => void
}

/**
 * Connection is one port of a site: it checks what comes, and settles each request exactly once. What does not fit the protocol is answered
 * with an error and does nothing else.
 */
export class Connection {
  readonly #behind: Behind
  readonly #port: Port
  readonly #from: From
  readonly #open = new Map<number, AbortController>()
  #greeted = false
  #version = 1 // of the protocol, on this port
  #last = 0 // the greatest id so far
  #malformed = 0
  #closed = false

  constructor(behind: Behind, port: Port, from: From) {
    this.#behind = behind
    this.#port = port
    this.#from = from
  }

  /** receive takes a message of the site. */
  readonly receive = (data: unknown): void => {
    if (this.#closed) return
    let message: FromSite
    try {
      message = readFromSite(data, this.#version)
    } catch (sentence) {
      this.#refuse(String(sentence), idOf(data))
      return
    }
    if (message.type === 'hello' ? this.#greeted : !this.#greeted) {
      this.#refuse(this.#greeted ? 'a second hello' : 'the first message is not hello')
      return
    }
    switch (message.type) {
      case 'hello':
        this.#greeted = true
        this.#version = Math.min(message.v, version)
        void this.#greet(this.#version)
        return
      case 'request':
        if (message.id <= this.#last) return this.#refuse('the id is not greater than the ones before')
        this.#last = message.id
        void this.#request(message, (data as string).length)
        return
      case 'cancel':
        this.#open.get(message.id)?.abort()
        return
      case 'beat':
        this.#post({ type: 'beat' })
        return
      case 'bye':
        this.end()
    }
  }

  /** closed notes that the site is gone. Its requests are aborted: a device that asks for one of them stops. */
  readonly closed = (): void => {
    if (this.#closed) return
    this.#closed = true
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const controller of open) controller.abort()
    this.#from.left()
    this.#behind.left(this)
  }

  /** end settles all requests with an error, and closes the port. Without one, nothing is left to settle. */
  end(why?: unknown) {
    if (this.#closed) return
    const open = [...this.#open]
    if (why !== undefined) {
      for (const [id, { signal }] of open) this.#settle(id, failed(id, signal.reason instanceof Refusal ? signal.reason : why))
      this.#post({ type: 'bye' })
    }
    for (const [, controller] of open) controller.abort()
    this.closed()
    this.#port.close()
  }

  /** event tells the site of something. A site of version 1 hears of Ethereum only. */
  event(name: Extract<ToSite, { type: 'event' }>['name'], payload: unknown, coin?: OtherCoin) {
    if (!this.#greeted || (coin && this.#version < 2)) return
    this.#post({ type: 'event', name, payload: payload as never, ...(coin && { coin }) })
  }

  async #greet(v: number) {
    await this.#behind.ready
    const { accounts, chainId } = this.#behind.greeting()
    this.#post({ type: 'welcome', v, broker: this.#behind.version, accounts, ...(chainId !== undefined && { chainId }) })
  }

  async #request({ id, method, params, chain, coin }: Extract<FromSite, { type: 'request' }>, size: number) {
    const controller = new AbortController()
    const { signal } = controller
    let admitted: (() => void) | undefined
    try {
      const from = { place: this.#from.place, abort: (why: unknown) => controller.abort(why) }
      admitted = this.#behind.admit(size, from)
      this.#open.set(id, controller)
      await this.#behind.read(signal)
      const result =
        (await this.#behind.request({ method, params, signal, ...from, ...(chain && { chain }), ...(coin && { coin }) })) ?? null
      this.#settle(id, { type: 'result', id, result: result as never })
    } catch (thrown) {
      // What aborted the request says more than that it was aborted.
      this.#settle(id, failed(id, signal.reason instanceof Refusal ? signal.reason : thrown), admitted === undefined)
    } finally {
      admitted?.()
    }
  }

  /** #settle answers a request, unless it was answered before. */
  #settle(id: number, message: ToSite, refused = false) {
    if (this.#open.delete(id) || (refused && !this.#closed)) this.#post(message)
  }

  #refuse(sentence: string, id: number | null = null) {
    // An id that can be read gets its answer, unless it has or had another request.
    const own = id !== null && id > this.#last ? (this.#last = id) : null
    this.#post({
      type: 'error',
      id: own,
      code: -32600,
      message: `The message was refused: ${sentence}.`,
      data: { code: 'invalid-argument', retryable: false },
    })
    if (++this.#malformed >= mostMalformed) this.end(busy('The site sent too many malformed messages, so the connection was closed.'))
  }

  #post(message: ToSite) {
    if (this.#closed) return
    let text = write(message)
    if (text.length > mostToSite) {
      const { id } = message as { id?: number }
      if (id === undefined) return
      text = write({ type: 'error', id, code: -32603, message: 'The answer is too long.', data: { code: 'protocol', retryable: false } })
    }
    try {
      this.#port.post(text)
    } catch {
      this.closed()
    }
  }
}

/** failed makes the message for an error. Without an id, it is about no request alone. */
export function failed(id: number | null, why: unknown): ToSite {
  const { code, message, data } = rpcError(why)
  return {
    type: 'error',
    id,
    code: Number.isInteger(code) ? code : -32603,
    message: message.slice(0, 1 << 16),
    ...(data !== undefined && { data: data as never }),
  }
}

/** idOf gives the id of a request that does not fit otherwise. */
function idOf(data: unknown): number | null {
  try {
    if (typeof data !== 'string' || data.length > 256 * 1024) return null
    const { type, id } = JSON.parse(data) as { type?: unknown; id?: unknown }
    return type === 'request' && typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : null
  } catch {
    return null
  }
}
