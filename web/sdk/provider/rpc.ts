import type { Chain, NodeAddress } from './chain'
import { plain } from './hex'
import { abortedByCaller, badNode, badParams, coded, NodeError, Refusal, wrongChain } from './refusal'

type Params = readonly unknown[] | object

/** Ask sends a request to a node. The answer is not checked yet. */
export type Ask = (method: string, params: Params, signal?: AbortSignal) => Promise<unknown>

/** The longest answer that is read. No real answer is nearly as long, and a longer one could fill the page's memory. */
export const mostBytes = 8 << 20

/**
 * Reads notes that an answer of a node is read, until leave is called. grow notes more bytes of it, and throws if they are too many. displaced is
 * called if the reading has to end, because others need the memory.
 */
export type Reads = (displaced: () => void) => { grow(bytes: number): void; leave(): void }

/** Nodes are the nodes of one chain, in the order in which they are asked. */
export class Nodes {
  readonly list: readonly Node[]

  constructor({ id, nodes }: Chain, timeout: number, reads?: Reads) {
    this.list = nodes.map((address) => new Node(address, id, timeout, reads))
  }

  /**
   * ask calls a method at the first node that can answer. If there are several, each is asked for its chain before its first answer counts.
   * The only node of a chain answers in any case.
   */
  ask(method: string, params: Params, signal?: AbortSignal): Promise<unknown> {
    const right = this.#order().filter((node) => !node.elsewhere)
    const once = /_send/.test(method)
    const use = async (node: Node) => {
      if (this.several) await node.confirm(signal, once).catch(once ? undefined : allowUnnamed)
      return node.ask(method, params, signal)
    }
    return first(right.length > 0 ? right : this.list, use, { signal, once })
  }

  /**
   * Whether there is another node. Then a node is confirmed anew before it gets a transaction: a page cannot tell a node that was down from
   * one that took the transaction and then lost the connection.
   */
  get several(): boolean {
    return this.list.length > 1
  }

  /**
   * first calls use with one node after another, until use succeeds or fails because of the request itself. Such an error is thrown, and
   * otherwise the last one. prefer is the node to begin with.
   */
  first<T>(use: (node: Node) => Promise<T>, given: Trying & { prefer?: Node | undefined } = {}): Promise<T> {
    const { prefer, signal, once } = plain(given)
    const order = this.#order()
    return first(prefer ? [prefer, ...order.filter((node) => node !== prefer)] : order, use, { signal, once })
  }

  /** #order puts nodes that were silent of late behind the others, so that not every request waits for them. */
  #order(): Node[] {
    return [...this.list].sort((a, b) => Number(a.silent) - Number(b.silent))
  }
}

/** allowUnnamed lets a site read from a node that does not know eth_chainId. */
function allowUnnamed(thrown: unknown) {
  if (!(thrown instanceof NodeError && thrown.rpc.code === -32601)) throw thrown
}

interface Trying {
  readonly signal?: AbortSignal | undefined
  /** Whether no other node may get the request once a node may have carried it out. */
  readonly once?: boolean | undefined
}

async function first<T>(nodes: readonly Node[], use: (node: Node) => Promise<T>, { signal, once }: Trying): Promise<T> {
  let failed: unknown
  let taken: Refusal | NodeError | undefined
  for (const node of nodes) {
    try {
      return await use(node)
    } catch (thrown) {
      if (signal?.aborted) throw abortedByCaller(signal)
      failed = thrown
      if (!(thrown instanceof NodeError || thrown instanceof Refusal)) break
      thrown.after = taken
      if (!thrown.next || (once && thrown.taken)) break
      if (thrown.taken) taken = thrown
    }
  }
  throw failed
}

let calls = 0

/** Node is one address at which a chain's node is asked. */
export class Node {
  /** The host, by which a node is named to users and in logs. The rest of the address and the headers may hold an API key. */
  readonly name: string
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #fixed: boolean
  readonly #chain: number
  readonly #timeout: number
  readonly #reads: Reads | undefined
  #said: bigint | undefined // the chain that it named, until it fails
  #silentAt = -Infinity // when it last did not answer in time

  constructor({ url, headers = {}, fixed = false }: NodeAddress, chain: number, timeout: number, reads?: Reads) {
    ;[this.#url, this.#headers] = withoutUser(url, headers)
    this.name = URL.canParse(this.#url) ? new URL(this.#url).host : url
    this.#fixed = fixed || Object.keys(this.#headers).length > 0 // another host gets no header
    this.#chain = chain
    this.#timeout = timeout
    this.#reads = reads
  }

  /** Whether the node said that it is on another chain. */
  get elsewhere(): boolean {
    return this.#said !== undefined && this.#said !== BigInt(this.#chain)
  }

  /** Whether the node did not answer in time, within the last minute. */
  get silent(): boolean {
    return Date.now() - this.#silentAt < 60_000
  }

  /** confirm asks the node for its chain, unless it has answered since it last failed. again asks in any case. It throws 4901. */
  async confirm(signal?: AbortSignal, again = false): Promise<void> {
    try {
      if (again || this.#said === undefined || this.elsewhere) {
        this.#said = quantityOf(await this.ask('eth_chainId', [], signal), 'chain id', 256)
      }
    } catch (thrown) {
      // Whatever it objects to, it is not the request that follows.
      if (thrown instanceof NodeError || thrown instanceof Refusal) Object.assign(thrown, { next: true, taken: false })
      throw thrown
    }
    if (!this.elsewhere) return
    const refused = `The node is on chain ${this.#said}, but chain ${this.#chain} is selected. The operator of this page can set another node.`
    throw Object.assign(wrongChain(refused), { next: true })
  }

  /**
   * ask calls a method. An error that the node answers is a NodeError. If there is no such answer, the error is -32603 with the reason
   * `node-unreachable`, `timeout`, or `protocol` (an answer that is not JSON-RPC, or is longer than 8 MB).
   */
  async ask(method: string, params: Params, signal?: AbortSignal): Promise<unknown> {
    const over = this.#reads && new AbortController()
    const reading = this.#reads?.(() => over!.abort())
    try {
      return await this.#ask(method, params, signal, { over: over?.signal, grow: (bytes) => reading?.grow(bytes) })
    } catch (thrown) {
      if ((thrown instanceof NodeError || thrown instanceof Refusal) && thrown.next) this.#said = undefined
      throw thrown
    } finally {
      reading?.leave()
    }
  }

  async #ask(method: string, params: Params, signal: AbortSignal | undefined, { over, grow }: Reading): Promise<unknown> {
    const id = ++calls
    let body: string
    try {
      body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    } catch (cause) {
      throw badParams(`the params of ${method} cannot be written as JSON: ${String(Object(cause).message)}`)
    }
    checkWhole(this.#url)
    const node = `The node at ${this.name}`
    const limit = AbortSignal.timeout(this.#timeout)
    const signals = [limit, signal, over].filter((one) => one !== undefined)
    let status = 0
    let text: string | undefined
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        body,
        headers: { ...this.#headers, 'content-type': 'application/json' },
        credentials: 'same-origin',
        referrerPolicy: 'strict-origin-when-cross-origin', // the browsers' default; some nodes serve only the sites on their list
        redirect: this.#fixed ? 'error' : 'follow',
        signal: signals.length > 1 ? AbortSignal.any(signals) : limit,
      })
      status = response.status
      text = await textOf(response, grow)
    } catch (cause) {
      if (signal?.aborted || cause instanceof Refusal) throw cause
      if (over?.aborted) throw answersTooMuch()
      if (limit.aborted) this.#silentAt = Date.now()
      throw limit.aborted
        ? missing(`${node} did not answer within ${this.#timeout / 1000} seconds. Check the connection.`, 'timeout', cause)
        : missing(`${node} cannot be reached. Check the connection.${cors()}`, 'node-unreachable', cause)
    }
    const retryable = status === 429 || failing(status)
    const not = (what: string) =>
      Object.assign(badNode(`${node} did not give a JSON-RPC answer.`, retryable, what), { next: true, taken: !refusing(status) })
    if (text === undefined) throw not(`its answer is longer than ${mostBytes >> 20} MB`)
    let answer: { id?: unknown; result?: unknown; error?: unknown }
    try {
      answer = Object(JSON.parse(text))
      if (answer.error) answer = Object(JSON.parse(this.#withoutSecrets(text)))
    } catch {
      throw not(`HTTP status ${status}, and no JSON`)
    }
    const { error } = answer
    if (error !== undefined && error !== null) {
      if (!isRpcError(error)) throw not('an error without a code and a message')
      if (answer.id !== id && answer.id !== null && answer.id !== undefined) throw not('the answer to another question')
      throw nodeError(error, status)
    }
    if (!('result' in answer)) throw not(`HTTP status ${status}, with neither a result nor an error`)
    if (answer.id !== id) throw not('the answer to another question')
    return answer.result
  }

  /** #withoutSecrets takes what the headers say out of an answer that goes into an error. */
  #withoutSecrets(text: string): string {
    const secrets = Object.values(this.#headers).flatMap((value) => [value, ...value.split(/\s+/)])
    return secrets
      .filter((secret) => secret.length >= 6)
      .reduce((text, secret) => text.replaceAll(JSON.stringify(secret).slice(1, -1), '…'), text)
  }
}

/** answersTooMuch is the error of an answer that was not read to its end, because others needed the memory. */
export const answersTooMuch = () => new Refusal(-32005, 'The nodes of this site answer too much at once. Try again.', 'device-busy', true)

/** cors says what else may be wrong where a browser asks. It does not tell a page whether a node is down or does not allow the page. */
const cors = () => (globalThis.location ? ` (A node that is up has to allow ${location.origin} by Access-Control-Allow-Origin.)` : '')

const missing = (message: string, code: 'timeout' | 'node-unreachable', cause: unknown) =>
  Object.assign(new Refusal(-32603, message, code, true, cause), { next: true, taken: true })

/** withoutUser moves the user name and password of an address into a header: fetch refuses an address that has them. */
function withoutUser(address: string, headers: NodeAddress['headers'] & {}): [string, typeof headers] {
  if (!URL.canParse(address)) return [address, headers]
  const url = new URL(address)
  if (!url.username && !url.password) return [address, headers]
  const user = new TextEncoder().encode(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)
  url.username = url.password = ''
  return [url.href, { authorization: `Basic ${btoa(String.fromCharCode(...user))}`, ...headers }]
}

/** checkWhole refuses an address that no page could resolve. */
export function checkWhole(url: string) {
  if (URL.canParse(url)) return
  throw coded('invalid-argument', `the address ${url} of a node is relative to a page, and there is no page: give it whole`)
}

export function isRpcError(error: unknown): error is { code: number; message: string; data?: unknown } {
  const { code, message } = Object(error) as { code: unknown; message: unknown }
  return Number.isInteger(code) && typeof message === 'string'
}

/** refusing says whether a server refuses a request by this HTTP status before it looks at it. */
const refusing = (status: number) => status > 400 && status < 500 && status !== 408 && status !== 499

/** The HTTP statuses by which a gateway refuses a request, whatever it says about it. */
const gates = new Set([401, 402, 403, 429])

/** failing says whether a server fails by this HTTP status, perhaps after it carried out the request. */
const failing = (status: number) => status === 408 || (status >= 499 && status < 600)

/**
 * The codes by which nodes and gateways refuse to answer here or now. Some have other meanings elsewhere, so what a message says about
 * the request comes first: see nodeError.
 */
const refusals = new Set([
  -32005, // limit exceeded (EIP-1474; Infura, MegaETH, Goldsky)
  -32007, // requests in a second (QuickNode)
  -32009, // trace requests in a second (QuickNode)
  -32011, // request limit reached (Arc)
  -32016, // over rate limit (Base), unauthorized (Goldsky)
  -32605, // rate limit (BlockVision)
  -32606, // the IP is not on the list (BlockVision)
  -32607, // call limit (BlockVision)
])
const troubles = new Set([
  -32001, // resource not found, such as a block that this node lacks (EIP-1474)
  -32002, // resource unavailable (EIP-1474), request timed out (geth)
  -32014, // missing data (Goldsky)
  -32015, // the node timed out (Goldsky)
  -32046, // cannot fulfil the request (Cloudflare)
  -32603, // internal error
  30, // timeout on the free tier (dRPC)
])
const aboutRequest =
  /revert|vm execution|out of gas|stack (limit|underflow)|nonce|insufficient (?!(\w+ )?(credit|quota|cu\b))|underpriced|already (known|imported)|known transaction|intrinsic|exceeds allowance|fee cap|invalid (opcode|jump|sender|params?\b|argument|transaction|signature)/i
const aboutLimits =
  /rate.?limit|too many|request limit|(?<!gas )limit (reached|exceeded)|quota|throttl|capacity|compute unit|credits?\b|maximum (number of )?requests|requests? (per|a) (second|minute|hour|day|month)|\brps\b|\b(your|current|paid|free|this) (plan|tier)|free ?tier|personal token|subscription (has )?(expired|ended)|unauthori[sz]ed|forbidden|authenticat|api.?key|access denied|not (whitelisted|allowed)|payment required|firewall|suitable provider/i
const aboutNode =
  /header (for hash )?not found|missing trie node|timed? ?out|deadline exceeded|unavailable|not available|temporar|overload|too busy|pool is full|try again|please retry|retry (later|in )|syncing|not synced|not ready|lagging|is behind|healthy|bad gateway|upstream|connection (refused|reset|closed)|connect error|internal (server )?error|pruned|unknown block|block not found/i

/** nodeError makes the error of an error answer. next says whether another node may answer the request better. */
export function nodeError(error: { code: number; message: string }, status = 200): NodeError {
  const { code, message } = error
  const made = new NodeError(error)
  const gate = gates.has(status)
  if (!gate && (code === 3 || aboutRequest.test(message))) return made
  const own = code === -32601 || code === -32602 || code === -32700
  const refused = refusing(status) || refusals.has(code) || refusing(code) || (!own && aboutLimits.test(message))
  made.next = refused || failing(status) || failing(code) || troubles.has(code) || (!own && aboutNode.test(message))
  made.taken = !refused
  return made
}

/** Reading is how an answer is read: over ends it, and grow notes how long it is so far. */
interface Reading {
  readonly over: AbortSignal | undefined
  readonly grow: (bytes: number) => void
}

/** textOf reads an answer. It resolves to undefined if the answer is too long, and rejects as grow does. */
export async function textOf({ body }: Response, grow: (bytes: number) => void): Promise<string | undefined> {
  if (!body) return ''
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let [text, bytes] = ['', 0]
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    const tooLong = (bytes += value.length) > mostBytes
    let fits = false
    try {
      if (!tooLong) grow(value.length)
      fits = !tooLong
    } finally {
      if (!fits) reader.cancel().catch(() => {})
    }
    if (tooLong) return undefined
    text += decoder.decode(value, { stream: true })
  }
}

/** quantityOf reads a quantity of JSON-RPC from a node's answer. */
export function quantityOf(value: unknown, name: string, bits: number): bigint {
  if (typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value)) {
    const number = BigInt(value)
    if (number >> BigInt(bits) === 0n) return number
  }
  throw badNode(`The node gave an impossible ${name}.`)
}

/** numberOf reads a quantity that some nodes write as a number instead of hex, and 0 as 0x. */
export function numberOf(value: unknown, name: string, bits: number): bigint {
  if (value === '0x') return 0n
  return quantityOf(Number.isSafeInteger(value) && (value as number) >= 0 ? `0x${(value as number).toString(16)}` : value, name, bits)
}
