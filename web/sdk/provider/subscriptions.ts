import { abortedByCaller, badNode, NodeError, Refusal, wrongChain } from './refusal'
import { checkWhole, isRpcError, mostBytes, nodeError, quantityOf } from './rpc'

type Tell = (message: { type: string; data: unknown }) => void

interface Answer {
  id?: unknown
  result?: unknown
  error?: unknown
  method?: unknown
  params?: unknown
}

interface Waiting {
  /** got is called within the event of the message: the next message may arrive before a promise is settled. */
  readonly got: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Subscription is one that the dApp holds. The node gives it another id after each reconnection. */
interface Subscription {
  readonly id: string
  readonly params: readonly unknown[]
  /** The characters of the params, as JSON. */
  readonly size: number
}

/** The most subscriptions at a time. Each is repeated after a reconnection. */
const most = 100

/** The most characters of the params of all subscriptions, as JSON: they are kept for that. */
const mostCharacters = 1 << 18

/** The time before the first reconnection, and the most before any, in milliseconds. Each failure doubles it. */
const [shortest, longest] = [1000, 30_000]

/**
 * Subscriptions keeps one WebSocket to a node of a chain open while there are subscriptions, and emits their messages as EIP-1193 says.
 * When the connection is lost, it connects and subscribes again. The dApp keeps its ids, and is told of the gap by `imkey_subscription`.
 */
export class Subscriptions {
  readonly #timeout: number
  readonly #tell: Tell
  readonly #active = new Map<string, Subscription>() // by the dApp's ids
  #link: Link | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #failures = 0 // of connections, one after another
  #asked = 0 // characters of the params of those that wait for an answer
  #pending = 0 // calls of the dApp that wait for an answer

  constructor(timeout: number, tell: Tell) {
    this.#timeout = timeout
    this.#tell = tell
  }

  has(id: unknown): boolean {
    return this.#active.has(id as string)
  }

  async subscribe(url: string, chain: number, params: readonly unknown[], signal?: AbortSignal): Promise<string> {
    if (this.#active.size + this.#pending >= most) {
      throw new Refusal(-32005, `There are ${most} subscriptions already. End one by eth_unsubscribe first.`, 'invalid-argument')
    }
    const size = JSON.stringify(params).length
    const kept = [...this.#active.values()].reduce((sum, { size }) => sum + size, this.#asked)
    if (kept + size > mostCharacters) {
      throw new Refusal(-32005, 'The subscriptions are too long together. End one by eth_unsubscribe first.', 'invalid-argument')
    }
    this.#asked += size
    return this.#counted(() => {
      const link = (this.#link ??= this.#open(url, chain, this.#failures))
      return link.subscribe(params, signal, (given) => {
        // After a reconnection, a node may give an id that the dApp holds already, for another subscription.
        const id = this.has(given) ? `0x${crypto.randomUUID().replaceAll('-', '')}` : given
        this.#active.set(id, { id, params, size })
        return id
      })
    }).finally(() => (this.#asked -= size))
  }

  /** unsubscribe ends a subscription. While there is no connection, no node has it, and it is only forgotten. */
  async unsubscribe(id: string, signal?: AbortSignal): Promise<unknown> {
    this.#active.delete(id)
    return this.#counted(async () => this.#link?.unsubscribe(id, signal) ?? true)
  }

  /** close ends all subscriptions. */
  close() {
    for (const { id } of this.#active.values()) this.#state(id, 'ended')
    this.#active.clear()
    this.#closeUnused()
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++
    try {
      return await work()
    } finally {
      this.#pending--
      if (this.#pending === 0 && this.#active.size === 0) this.#closeUnused()
    }
  }

  #closeUnused() {
    clearTimeout(this.#retry)
    this.#failures = 0
    const link = this.#link
    this.#link = undefined
    link?.close()
  }

  #state(subscription: string, state: 'lost' | 'resumed' | 'ended') {
    this.#tell({ type: 'imkey_subscription', data: { subscription, state } })
  }

  #open(url: string, chain: number, failures: number): Link {
    clearTimeout(this.#retry)
    const since = Date.now()
    const told = (id: string, result: unknown) => {
      if (this.has(id)) this.#tell({ type: 'eth_subscription', data: { subscription: id, result } })
    }
    const link: Link = new Link(url, chain, this.#timeout, told, () => {
      if (this.#link !== link) return
      this.#link = undefined
      if (this.#active.size === 0) return
      // A connection that did not last counts as a failure, so that a server that drops at once is not asked all the time.
      const before = Date.now() - since > longest ? 0 : failures
      this.#failures = before + 1
      const delay = Math.min(longest, shortest * 2 ** Math.min(before, 10)) * (0.5 + Math.random() / 2)
      this.#retry = setTimeout(() => (this.#link ??= this.#open(url, chain, this.#failures)), delay)
      for (const id of [...this.#active.keys()].filter((id) => link.holds(id))) this.#state(id, 'lost')
    })
    for (const subscription of this.#active.values()) void this.#resume(link, subscription)
    return link
  }

  /** #resume subscribes again. A node that refuses ends the subscription; if the connection is lost, there is a next attempt. */
  async #resume(link: Link, { id, params }: Subscription) {
    try {
      await link.subscribe(params, undefined, () => {
        if (this.has(id)) this.#state(id, 'resumed')
        return id
      })
      if (!this.has(id)) await link.unsubscribe(id) // the dApp ended it meanwhile
    } catch (thrown) {
      if (!this.has(id)) return
      if (!(thrown instanceof NodeError) || thrown.next) return link.close()
      this.#active.delete(id)
      this.#state(id, 'ended')
      await this.#counted(async () => {})
    }
  }
}

/** Link is one connection to a node. It asks the node for its chain first, and closes if that is another one. */
class Link {
  readonly #timeout: number
  readonly #chain: number
  readonly #closed: () => void
  readonly #told: (id: string, result: unknown) => void
  readonly #waiting = new Map<number, Waiting>()
  readonly #ids = new Map<string, string>() // the dApp's ids by the node's
  readonly #socket: WebSocket
  readonly #ready: Promise<void>
  #calls = 0
  #why: Refusal | undefined // it closed

  /** told is called with the dApp's id and a result; closed once, when the connection is lost or closed. */
  constructor(url: string, chain: number, timeout: number, told: (id: string, result: unknown) => void, closed: () => void) {
    this.#timeout = timeout
    this.#chain = chain
    this.#told = told
    this.#closed = closed
    checkWhole(url)
    try {
      this.#socket = new WebSocket(url)
    } catch (cause) {
      throw new Refusal(-32603, 'The node of webSocketUrl cannot be reached. Check the connection.', 'node-unreachable', false, cause)
    }
    this.#ready = new Promise<void>((resolve, reject) => {
      this.#socket.addEventListener('open', () => resolve())
      this.#socket.addEventListener('close', () => {
        this.close()
        reject(this.#why)
      })
    })
    this.#socket.addEventListener('message', ({ data }) => this.#heard(data))
    void this.#confirm()
  }

  /** subscribe calls eth_subscribe. name gives the dApp's id for the node's. */
  subscribe(params: readonly unknown[], signal: AbortSignal | undefined, name: (given: string) => string): Promise<string> {
    return this.#call('eth_subscribe', params, signal, (given) => {
      if (typeof given !== 'string' || this.#ids.has(given)) throw badNode('The node gave no id of its own for the subscription.')
      const id = name(given)
      this.#ids.set(given, id)
      return id
    })
  }

  /** unsubscribe calls eth_unsubscribe. It resolves to true if the node does not have the subscription. */
  async unsubscribe(id: string, signal?: AbortSignal): Promise<unknown> {
    const [given] = [...this.#ids].find(([, own]) => own === id) ?? []
    if (given === undefined) return true
    this.#ids.delete(given)
    return this.#call('eth_unsubscribe', [given], signal, (result) => result).catch((thrown: unknown) => {
      if (this.#why) return true // the connection is closed, and the subscription with it
      throw thrown
    })
  }

  /** holds says whether the node has the dApp's subscription. */
  holds(id: string): boolean {
    return [...this.#ids.values()].includes(id)
  }

  close(why = lost()) {
    if (this.#why) return
    this.#why = why
    this.#socket.close()
    for (const { reject } of this.#waiting.values()) reject(why)
    this.#closed()
  }

  async #call<T>(method: string, params: readonly unknown[], signal: AbortSignal | undefined, read: (result: unknown) => T): Promise<T> {
    if (this.#why) throw this.#why
    const limit = AbortSignal.timeout(this.#timeout)
    const stop = signal ? AbortSignal.any([signal, limit]) : limit
    const id = ++this.#calls
    return new Promise<T>((resolve, reject) => {
      const giveUp = () =>
        reject(
          limit.aborted
            ? new Refusal(-32603, 'The node did not answer in time. Check the connection.', 'timeout', true)
            : abortedByCaller(signal),
        )
      stop.addEventListener('abort', giveUp, { once: true })
      if (stop.aborted) giveUp()
      const got = (result: unknown) => {
        try {
          resolve(read(result))
        } catch (thrown) {
          reject(thrown)
        }
      }
      this.#waiting.set(id, { got, reject })
      this.#ready.then(() => this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))).catch(reject)
    }).finally(() => this.#waiting.delete(id))
  }

  /** #confirm closes the connection if the node names another chain. What else it answers does not matter: some answer nothing. */
  async #confirm() {
    const read = (said: unknown) => {
      const node = quantityOf(said, 'chain id', 256)
      if (node !== BigInt(this.#chain)) {
        this.close(wrongChain(`The node of webSocketUrl is on chain ${node}, but chain ${this.#chain} is selected.`))
      }
    }
    await this.#call('eth_chainId', [], undefined, read).catch(() => {})
  }

  #heard(data: unknown) {
    if (this.#why) return
    // A text that is too long has filled memory already, but the next one does not.
    if (typeof data !== 'string' || data.length > mostBytes) {
      return this.close(badNode('The node sent a message that is not text, or is longer than 8 MB.'))
    }
    let answer: Answer
    try {
      answer = Object(JSON.parse(data))
    } catch {
      return // not JSON-RPC, so no request waits for it
    }
    if (answer.method === 'eth_subscription') {
      const { subscription, result } = Object(answer.params) as { subscription?: unknown; result?: unknown }
      const id = this.#ids.get(subscription as string)
      if (id !== undefined) this.#told(id, result)
      return
    }
    const call = this.#waiting.get(answer.id as number)
    const { error } = answer
    if (error === undefined || error === null) return call?.got(answer.result)
    call?.reject(isRpcError(error) ? nodeError(error) : badNode('The node gave an error without a code and a message.'))
  }
}

const lost = () =>
  new Refusal(-32603, 'The connection to the node was lost. Check the connection, then subscribe again.', 'node-unreachable', true)
