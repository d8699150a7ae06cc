// The content script among the page's own scripts. It announces the providers, by EIP-6963, TIP-6963, WBIP004 and, for Cosmos, an event of
// its own, and carries requests to the relay. It runs before the page's first script, and takes what it needs of the page's objects then. The
// page can change everything here, and harms only itself: the broker checks each message and takes the origin from the browser.

import { addressesOf, announceTronProvider, brokerTron, mainnet, makeTronProvider } from '../../../sdk/coins/tron'
import type { Ask } from '../../../sdk/coins/ask'
import { accountsOf, brokerBitcoin, brokerNode, makeBitcoinProvider, registerBitcoinProvider } from '../../../sdk/coins/bitcoin'
import {
  announceCosmosProvider,
  brokerCosmos,
  cosmosAccountsOf,
  type Made as MadeSigner,
  makeCosmosSigner,
} from '../../../sdk/coins/cosmos'
import { uuid } from '../../../sdk/coins/uuid'
import { Events, type Listener } from '../../../sdk/provider/events'
import { icon } from '../../../sdk/provider/icon'
import { type EventName, type FromSite, type OtherCoin, readToSite, type ToSite, version, write } from '../../../sdk/protocol/messages'
import type { Json } from '../../../sdk/protocol/schema'
import { longest, named, offered, wanted } from './channel'

interface Reason {
  readonly code: string
  readonly retryable: boolean
  readonly [fact: string]: unknown
}

/** The error of every rejected request, in the form of EIP-1193. */
class ProviderRpcError extends Error {
  override readonly name = 'ProviderRpcError'
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message)
  }
}

const refused = (code: number, message: string, data: Reason) => new ProviderRpcError(code, message, data)
const bad = (message: string) => refused(-32602, message, { code: 'invalid-argument', retryable: false })
const ended = {
  stopped: () =>
    refused(4900, 'The imKey extension stopped while it carried out the request. Look at the activity in the extension, then try again.', {
      code: 'aborted',
      reason: 'wallet-stopped',
      retryable: true,
    }),
  updated: () =>
    refused(4900, 'The imKey extension was updated or removed. Reload this page to go on.', {
      code: 'aborted',
      reason: 'wallet-updated',
      retryable: false,
    }),
}

/** How many connections in a row may end without a welcome before the page is told. */
const mostFailed = 5

interface Pending {
  readonly message: FromSite
  readonly resolve: (result: unknown) => void
  readonly reject: (error: ProviderRpcError) => void
}

class Provider {
  readonly isImKey = true
  readonly #events = new Events()
  readonly #pending = new Map<number, Pending>()
  /** The requests of a lost connection, until it is known why it was lost. */
  #lost: Pending[] = []
  readonly #send: (message: FromSite) => boolean
  #next = 1
  #connected = false
  /** Whether the wallet can have received what is open. It has not before its welcome, nor after its bye, before which it settles everything. */
  #received = false
  /** How often a connection ended before its welcome, in a row. */
  #failed = 0
  /** Why the wallet refuses this page. */
  #refusal: ProviderRpcError | undefined
  /** What the site was last told. */
  #accounts: string | undefined
  #chainId: string | undefined

  constructor(send: (message: FromSite) => boolean) {
    this.#send = send
  }

  // Properties rather than methods: dApps call them without the object.
  readonly isConnected = () => this.#connected

  readonly on = (event: string, listener: Listener) => {
    this.#events.add(event, listener)
    return this
  }

  readonly once = (event: string, listener: Listener) => {
    this.#events.once(event, listener)
    return this
  }

  readonly removeListener = (event: string, listener: Listener) => {
    this.#events.remove(event, listener)
    return this
  }

  readonly off = this.removeListener

  readonly request = (request: { method: string; params?: readonly unknown[] | object | null; signal?: AbortSignal }): Promise<unknown> =>
    this.#ask(request)

  /** ask sends a request of the page's provider for another coin. */
  static ask(provider: Provider, method: string, params: object, coin: OtherCoin): Promise<unknown> {
    return provider.#ask({ method, params }, coin)
  }

  #ask(request: { method: string; params?: readonly unknown[] | object | null; signal?: AbortSignal }, coin?: OtherCoin): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (typeof request !== 'object' || request === null) throw bad('The request is not an object.')
      const { method, params, signal } = request
      if (typeof method !== 'string' || method === '') throw bad('The method is not a name.')
      if (typeof (params ?? {}) !== 'object') throw bad('The params are neither a list nor an object.')
      if (signal?.aborted) throw aborted()
      const id = this.#next++
      const settle = () => {
        signal?.removeEventListener('abort', cancel)
        this.#pending.delete(id)
      }
      const cancel = () => {
        this.#send({ type: 'cancel', id })
        settle()
        reject(aborted())
      }
      const message: FromSite = { type: 'request', id, method, params: (params ?? []) as Json, ...(coin && { coin }) }
      this.#pending.set(id, {
        message,
        resolve: (result) => {
          settle()
          resolve(result)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      })
      try {
        if (!this.#send(message)) throw bad('The request is longer than 256 kB.')
      } catch (thrown) {
        settle()
        throw thrown instanceof ProviderRpcError ? thrown : bad('The request is not JSON.')
      }
      signal?.addEventListener('abort', cancel, { once: true })
    })
  }

  take(message: ToSite) {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message.accounts, message.chainId)
      case 'result':
        return this.#pending.get(message.id)?.resolve(message.result)
      case 'error':
        return this.#error(message.id, new ProviderRpcError(message.code, message.message, message.data))
      case 'event':
        return message.coin ? others[message.coin]?.changed(message.payload) : this.#emit(message.name, message.payload)
      case 'bye':
        this.#received = false
        return
      default:
        return undefined
    }
  }

  #error(id: number | null, error: ProviderRpcError) {
    if (id === null) this.#refusal = error
    else this.#pending.get(id)?.reject(error)
  }

  /** A wallet that was started again may know of changes that its predecessor could not report. */
  #welcome(accounts: readonly string[], chainId: string | undefined) {
    this.#received = true
    this.#failed = 0
    const [before, chain] = [this.#accounts, this.#chainId]
    this.#accounts = accounts.join()
    this.#chainId = chainId
    if (before !== undefined && before !== this.#accounts) this.#events.emit('accountsChanged', accounts)
    if (chain !== undefined && chainId !== undefined && chain !== chainId) this.#events.emit('chainChanged', chainId)
  }

  #emit(name: EventName, payload: unknown) {
    if (name === 'connect') this.#connected = true
    if (name === 'accountsChanged') this.#accounts = String(payload)
    if (name === 'chainChanged') this.#chainId = String(payload)
    if (name !== 'disconnect') return this.#events.emit(name, payload)
    this.#connected = false
    const { code, message, data } = Object(payload) as { code: number; message: string; data: unknown }
    this.#events.emit(name, new ProviderRpcError(code, message, data))
  }

  /**
   * lose is called when the connection is gone. It returns what the wallet cannot have received, which is sent again. The rest waits for end:
   * the next connection knows nothing of it. It returns undefined where the wallet is not to be greeted again before the page asks.
   */
  lose(): readonly FromSite[] | undefined {
    const [received, refusal] = [this.#received, this.#refusal]
    this.#received = false
    this.#refusal = undefined
    const open = [...this.#pending.values()]
    if (!received && !refusal && ++this.#failed < mostFailed) return open.map(({ message }) => message)
    this.#failed = 0
    this.#pending.clear()
    if (refusal) for (const { reject } of open) reject(refusal)
    else this.#lost.push(...open)
    return received ? [] : undefined
  }

  /** end settles what was lost, or all that is open, by the reason. */
  end(reason: keyof typeof ended, all: boolean) {
    for (const { reject } of [...this.#lost.splice(0), ...(all ? this.#pending.values() : [])]) reject(ended[reason]())
    for (const { gone } of Object.values(others)) gone(ended[reason]())
    if (!this.#connected) return
    this.#connected = false
    this.#events.emit('disconnect', ended[reason]())
  }
}

/** The providers of other coins than Ethereum. Each is told of changes of its accounts, and of the end of the wallet. */
const others: { [C in OtherCoin]?: { readonly changed: (accounts: unknown) => void; readonly gone: (why: Error) => void } } = {}

/** errorOf makes the error of a rejected request from what a provider of a coin threw. */
function errorOf(thrown: unknown): ProviderRpcError {
  if (thrown instanceof ProviderRpcError) return thrown
  const { rpc, message } = Object(thrown) as { rpc?: { code?: number; reason?: unknown }; message?: unknown }
  return new ProviderRpcError(rpc?.code ?? -32603, String(message ?? thrown), rpc?.reason ?? { code: 'internal', retryable: false })
}

const aborted = () => refused(-32603, 'The caller aborted the request.', { code: 'aborted', retryable: true })

const channel = uuid()
const names = named(channel)
let greeted = false

/** greet begins a connection, or begins it again. */
function greet() {
  greeted = true
  tell(names.toWallet, write({ type: 'hello', v: version, sdk: 'imkey-extension' }))
}

/** send sends a message, after a hello where the connection is new. It returns false for a message that is too long. */
function send(message: FromSite): boolean {
  const text = write(message)
  if (text.length > longest) return false
  if (!greeted) greet()
  tell(names.toWallet, text)
  return true
}

const tell = (name: string, detail: string) => dispatchEvent(new CustomEvent(name, { detail }))
const detailOf = (event: Event) => (event as CustomEvent<string>).detail

const provider = new Provider(send)
addEventListener(names.toPage, (event) => {
  try {
    provider.take(readToSite(detailOf(event)))
  } catch {
    // Another script of this page wrote it.
  }
})
addEventListener(names.lost, () => {
  const again = provider.lose()
  const before = greeted
  greeted = false
  // The wallet is started again at once, so that it cancels what the device still asks, and the page hears its events.
  if (again && before) greet()
  for (const message of again ?? []) send(message)
})
addEventListener(names.ended, (event) => {
  const reason = detailOf(event)
  const all = reason !== 'stopped'
  if (all) greeted = false
  provider.end(reason === 'updated' ? 'updated' : 'stopped', all)
})

// The relay may run before this script or after it.
const find = () => tell(wanted, channel)
addEventListener(names.taken, () => removeEventListener(offered, find))
addEventListener(offered, find)
find()

// EIP-6963: "The provider ... MUST be frozen" is said of the detail, and so of its info.
const info = Object.freeze({ uuid: uuid(), name: 'imKey', icon, rdns: 'im.imkey' })
const detail = Object.freeze({ info, provider })
const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
addEventListener('eip6963:requestProvider', announce)
announce()

const asks =
  (coin: OtherCoin): Ask =>
  (method, params) =>
    Provider.ask(provider, method, params, coin)

const tron = makeTronProvider({ wallet: brokerTron(asks('tron')), tronWeb: {}, chainId: mainnet, error: errorOf })
others.tron = { changed: (accounts) => tron.changed(addressesOf(accounts)), gone: tron.gone }
announceTronProvider(tron.provider)

const bitcoin = makeBitcoinProvider({
  wallet: brokerBitcoin(asks('bitcoin'), 'mainnet'),
  network: 'mainnet',
  node: brokerNode(asks('bitcoin')),
  confirmFee: undefined,
  error: errorOf,
})
others.bitcoin = { changed: (accounts) => bitcoin.changed(accountsOf(accounts)), gone: () => {} }
registerBitcoinProvider(bitcoin.provider)

// There is one signer for each prefix. A permission is for one prefix, so the accounts of an event are those of at most one signer.
const signers = new Map<string, MadeSigner>()
others.cosmos = {
  changed: (accounts) => {
    const all = cosmosAccountsOf(accounts)
    for (const [prefix, { changed }] of signers) changed(all.filter(({ address }) => address.startsWith(`${prefix}1`)))
  },
  gone: () => {},
}
announceCosmosProvider(
  Object.freeze({
    isImKey: true,
    getOfflineSigner: (options?: { prefix?: string }) => {
      const { prefix = 'cosmos' } = Object(options) as { prefix?: string }
      if (typeof prefix !== 'string') throw new TypeError('prefix is not a string') // as createCosmosSigner does
      const made = signers.get(prefix) ?? makeCosmosSigner(brokerCosmos(asks('cosmos'), prefix), errorOf)
      signers.set(prefix, made)
      return made.signer
    },
  } as const),
)

// The user wants old dApps to find the provider, too. Another wallet that was there first stays.
addEventListener(names.legacy, () => {
  if ('ethereum' in globalThis) return
  Object.defineProperty(globalThis, 'ethereum', { value: provider, configurable: true, writable: true, enumerable: true })
  dispatchEvent(new Event('ethereum#initialized'))
})
