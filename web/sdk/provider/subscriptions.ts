import { abortedByCaller, badNode, NodeError, Refusal } from './refusal'

interface Answer {
  id?: unknown
  result?: unknown
  error?: unknown
  method?: unknown
  params?: { subscription?: unknown; result?: unknown }
}

/** Subscriptions keeps one WebSocket to a node open while there are subscriptions, and emits their messages as EIP-1193 says. */
export class Subscriptions {
  readonly #timeout: number
  readonly #tell: (message: { type: string; data: unknown }) => void
  readonly #active = new Set<string>()
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }>()
  #socket: Promise<WebSocket> | undefined
  #calls = 0

  constructor(timeout: number, tell: (message: { type: string; data: unknown }) => void) {
    this.#timeout = timeout
    this.#tell = tell
  }

  has(id: unknown): boolean {
    return this.#active.has(id as string)
  }

  async subscribe(url: string, params: readonly unknown[], signal?: AbortSignal): Promise<string> {
    try {
      const id = await this.#call(url, 'eth_subscribe', params, signal)
      if (typeof id !== 'string') throw badNode('The node gave no id for the subscription.')
      this.#active.add(id)
      return id
    } finally {
      this.#closeUnused()
    }
  }

  async unsubscribe(id: string, signal?: AbortSignal): Promise<unknown> {
    this.#active.delete(id)
    try {
      return await this.#call(undefined, 'eth_unsubscribe', [id], signal)
    } finally {
      this.#closeUnused()
    }
  }

  #closeUnused() {
    if (this.#active.size === 0 && this.#waiting.size === 0) this.close()
  }

  close() {
    const socket = this.#socket
    this.#socket = undefined
    this.#active.clear()
    this.#fail()
    socket?.then(
      (socket) => socket.close(),
      () => {},
    )
  }

  async #call(url: string | undefined, method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const limit = AbortSignal.timeout(this.#timeout)
    const stop = signal ? AbortSignal.any([signal, limit]) : limit
    const id = ++this.#calls
    return new Promise<unknown>((resolve, reject) => {
      const giveUp = () =>
        reject(
          limit.aborted
            ? new Refusal(-32603, 'The node did not answer in time. Check the connection.', 'timeout', true)
            : abortedByCaller(),
        )
      stop.addEventListener('abort', giveUp, { once: true })
      this.#waiting.set(id, { resolve, reject })
      if (url !== undefined) this.#socket ??= this.#open(url)
      this.#socket!.then((socket) => socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))).catch(reject)
    }).finally(() => this.#waiting.delete(id))
  }

  #open(url: string): Promise<WebSocket> {
    const opening = new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(url)
      socket.addEventListener('open', () => resolve(socket))
      socket.addEventListener('message', ({ data }) => this.#heard(String(data)))
      socket.addEventListener('close', () => {
        reject(lost())
        if (this.#socket === opening) this.close()
      })
    })
    opening.catch(() => {
      if (this.#socket === opening) this.#socket = undefined // the next subscription tries again
    })
    return opening
  }

  #heard(text: string) {
    let answer: Answer
    try {
      answer = Object(JSON.parse(text))
    } catch {
      return // not JSON-RPC, so no request waits for it
    }
    if (answer.method === 'eth_subscription') {
      const { subscription, result } = Object(answer.params) as { subscription?: unknown; result?: unknown }
      if (this.has(subscription)) this.#tell({ type: 'eth_subscription', data: { subscription, result } })
      return
    }
    const call = this.#waiting.get(answer.id as number)
    const { error } = answer
    if (error === undefined || error === null) return call?.resolve(answer.result)
    const { code, message } = Object(error) as { code: unknown; message: unknown }
    call?.reject(
      Number.isInteger(code) && typeof message === 'string'
        ? new NodeError(error as { code: number; message: string })
        : badNode('The node gave an error without a code and a message.'),
    )
  }

  #fail() {
    for (const { reject } of this.#waiting.values()) reject(lost())
  }
}

const lost = () =>
  new Refusal(-32603, 'The connection to the node was lost. Check the connection, then subscribe again.', 'node-unreachable', true)
