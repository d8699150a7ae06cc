// The engine of a provider whose device is bound to a connector. It answers here what needs no wallet, so that nodes, chains and known
// accounts work while the connector's window is closed, and sends everything else there. It is loaded on demand.

import type { ImKey, KnownDevice } from '../types/imkey'
import { chainMessage } from '../protocol/messages'
import type { Params } from '../provider/call'
import { capabilities } from '../provider/capabilities'
import type { Chain } from '../provider/chain'
import { Chains } from '../provider/chains'
import type { Engine } from '../provider/engine'
import { hex } from '../provider/hex'
import type { ConnectorHost } from '../provider/connectorhost'
import { readMessage } from '../provider/message'
import { isUnsupported } from '../provider/methods'
import { recover } from '../provider/recover'
import { abortedByCaller, badParams, coded, unauthorized, unknownMethod } from '../provider/refusal'
import { Subscriptions } from '../provider/subscriptions'
import { nodeRefused, windowGone } from './obstacles'
import type { Session } from './session'
import { ConnectorWindow } from './window'

export { late } from '../client/sentences.late.gen'

/** The methods that need the wallet, beside those of signing. */
const asking = new Set([
  'eth_requestAccounts',
  'wallet_requestPermissions',
  'wallet_sendTransaction',
  'wallet_sendCalls',
  'wallet_getCallsStatus',
  'wallet_showCallsStatus',
  'imkey_forgetTransactions',
  'eth_sendTransaction',
])

/** The methods by which a site that knows no account asks for some. Any other is refused before a window opens. */
const introducing = new Set(['eth_requestAccounts', 'wallet_requestPermissions', 'imkey_moveBinding'])

const needsWallet = (method: string) => asking.has(method) || /^(personal_sign|eth_sign(TypedData(_v[34])?|Transaction)?)$/.test(method)

const opening = (method: string) => needsWallet(method) || introducing.has(method)

export function start(host: ConnectorHost): Engine {
  return new Client(host)
}

class Client implements Engine {
  readonly #host: ConnectorHost
  readonly #window: ConnectorWindow
  readonly #chains: Chains
  readonly #subscriptions: Subscriptions
  #accounts: readonly string[]
  #connected = false

  constructor(host: ConnectorHost) {
    const url = host.settings.connector!
    const recalled = host.recall()
    this.#host = host
    this.#window = new ConnectorWindow({
      url,
      sdk: host.version,
      coin: 'ethereum',
      open: () => host.opened() ?? host.open(),
      revocation: { method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] },
      welcome: (accounts) => this.#set(readAccounts(accounts)), // the user may have revoked them there
      event: ({ name, payload }) => this.#event(name, payload),
      revoked: () => this.#set([]),
      gone: () => this.#lose(`The window of ${this.#origin} was closed. It opens again with the next request.`),
    })
    this.#accounts = (!this.#window.revoked && recalled?.accounts.map(({ address }) => address)) || []
    this.#subscriptions = new Subscriptions(host.settings.rpcTimeout, (message) => host.emit('message', message))
    this.#chains = new Chains(host, recalled?.chainId, () => {
      this.#subscriptions.close()
      this.#store()
    })
    // Another tab of this site revoked the permission: this one follows.
    if (host.settings.remember) {
      globalThis.addEventListener?.('storage', ({ key }) => {
        if ((key === host.settings.key || key === null) && !host.recall()) this.#set([])
      })
    }
  }

  get connected(): boolean {
    return this.#connected
  }

  get #origin(): string {
    return this.#window.connector.origin
  }

  async request(method: string, given: Params | object, signal: AbortSignal | undefined): Promise<unknown> {
    try {
      // Some libraries give {} to a method without parameters.
      const params = Object.keys(given).length === 0 ? [] : given
      const list: Params = Array.isArray(params) ? params : []
      const [first] = list
      switch (method) {
        case 'eth_accounts':
          return [...this.#accounts]
        case 'eth_coinbase':
          return this.#accounts[0] ?? null
        case 'eth_chainId':
          return hex(this.#chains.id)
        case 'net_version':
          return String(this.#chains.id)
        case 'wallet_switchEthereumChain':
          return this.#chains.switchTo(first)
        case 'wallet_addEthereumChain':
          return await this.#chains.add(first, signal)
        case 'wallet_getCapabilities':
          return capabilities(list, this.#chains.ids, (account) => this.#authorised(account))
        case 'imkey_forgetTransactions':
        case 'wallet_getCallsStatus':
          if (!this.#window.open) throw windowGone(this.#origin) // who polls it does not click
          break
        case 'wallet_getPermissions':
          return this.#permissions()
        case 'wallet_revokePermissions':
          return this.#revoke(list)
        case 'personal_ecRecover':
          return recover(readMessage(first), list[1])
        case 'eth_subscribe': {
          const { webSocketUrl, id } = this.#chains.selected
          if (webSocketUrl === undefined) break
          return await this.#subscriptions.subscribe(webSocketUrl, id, list, signal)
        }
        case 'eth_unsubscribe':
          if (!this.#subscriptions.has(first)) break
          return await this.#subscriptions.unsubscribe(first as string, signal)
        case 'imkey_moveBinding':
          return await this.#move(first, signal)
        case 'eth_requestAccounts':
          if (this.#accounts.length > 0) return [...this.#accounts]
      }
      if (needsWallet(method)) return await this.#ask(method, params, signal)
      if (isUnsupported(method)) throw unknownMethod(method)
      return await this.#chains.ask(method, params, signal)
    } catch (thrown) {
      if (opening(method)) this.#host.opened()?.close() // the request needed no window after all
      throw thrown
    }
  }

  /** Devices are the connector's. */
  plugged() {}
  unplugged() {}
  close() {
    this.#subscriptions.close()
    this.#window.end()
  }
  revoke() {
    this.#set([])
  }

  /** #ask sends a request to the connector, within the click if it has to open the window. */
  async #ask(method: string, params: Params | object, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#accounts.length === 0 && !introducing.has(method) && !this.#window.open) {
      throw unauthorized('No account is connected. Connect one by eth_requestAccounts first.')
    }
    return this.#inWindow(method, signal, async (session) => {
      const result = await this.#send(session, method, params, signal)
      if (method !== 'eth_requestAccounts') return result
      this.#set(readAccounts(result))
      return [...this.#accounts]
    })
  }

  /** #inWindow does what needs the window, and emits that the user is asked there. */
  async #inWindow<T>(method: string, signal: AbortSignal | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#window.connect() // before any await: the browser opens a window only within the click
    const tell = (state: 'waiting' | 'done') => this.#host.emit('interaction', { state, reason: 'connector', method })
    tell('waiting')
    try {
      return await work(session)
    } catch (thrown) {
      throw signal?.aborted ? abortedByCaller(signal) : thrown
    } finally {
      tell('done')
    }
  }

  async #send(session: Session, method: string, params: Params | object, signal: AbortSignal | undefined): Promise<unknown> {
    // A batch names its chain, which need not be the selected one.
    const named = method === 'wallet_sendCalls' ? this.#chains.get(Number(Object(Array.isArray(params) && params[0]).chainId)) : undefined
    const chain = named ?? this.#chains.selected
    try {
      return await this.#window.request(session, { method, params: params as never, chain: chainMessage(chain, chain.name) }, signal)
    } catch (thrown) {
      throw (await this.#nodeRefused(thrown, chain, signal)) ?? thrown
    }
  }

  /**
   * #nodeRefused gives the error where the connector cannot reach a node that this page reaches: a browser does not tell a page why an answer
   * does not come.
   */
  async #nodeRefused(thrown: unknown, chain: Chain, signal: AbortSignal | undefined): Promise<unknown> {
    const { data } = Object((Object(thrown) as { rpc?: unknown }).rpc) as { data?: { code?: unknown } }
    if (data?.code !== 'node-unreachable') return undefined
    return this.#chains.ask('eth_chainId', [], signal, chain).then(
      () => nodeRefused(this.#origin, data),
      () => undefined,
    )
  }

  #event(name: string, payload: unknown) {
    if (name === 'accountsChanged') this.#set(this.#window.revoked ? [] : readAccounts(payload))
    else if (name === 'interaction') this.#host.emit('interaction', payload)
    else if (name === 'disconnect') this.#lose(String(Object(payload).message))
    else if (name === 'connect') this.#set(this.#accounts)
  }

  /** #set changes everything before it emits anything, so that a listener that asks gets the new state. */
  #set(accounts: readonly string[]) {
    const before = this.#accounts.join()
    const connected = this.#connected
    this.#accounts = [...accounts]
    this.#connected = accounts.length > 0 && this.#window.open
    this.#store()
    if (this.#connected && !connected) this.#host.emit('connect', { chainId: hex(this.#chains.id) })
    if (connected && !this.#connected) this.#host.gone('The permission to use the accounts was revoked. Connect again to go on.')
    if (before !== accounts.join()) this.#host.emit('accountsChanged', [...accounts])
  }

  #lose(why: string) {
    if (!this.#connected) return
    this.#connected = false
    this.#host.gone(why)
  }

  #store() {
    if (!this.#host.settings.remember) return
    const accounts = this.#accounts.map((address) => ({ address, path: '' }))
    this.#host.remember(accounts.length > 0 ? { accounts, serial: null, device: '', chainId: this.#chains.id } : undefined)
  }

  /** #authorised throws 4100 if an account, or without one every account, is none that the connector has for this site. */
  #authorised(account: string | undefined) {
    if (!this.#accounts.some((each) => account === undefined || each.toLowerCase() === account.toLowerCase())) {
      throw unauthorized('The account is not one of the connected accounts. Connect it by eth_requestAccounts first.')
    }
  }

  #permissions(): unknown[] {
    if (this.#accounts.length === 0) return []
    const caveats = [{ type: 'restrictReturnedAccounts', value: [...this.#accounts] }]
    return [{ invoker: globalThis.location?.origin, parentCapability: 'eth_accounts', caveats }]
  }

  #revoke([wanted]: Params): null {
    if (Object.keys(Object(wanted) as object).join() !== 'eth_accounts') {
      throw badParams('the one permission here is { eth_accounts: {} }')
    }
    this.#window.revoke()
    this.#set([])
    return null
  }

  /** #move hands the binding of this site over to the connector, without a new code. It forgets the record here when the connector has it. */
  async #move(wanted: unknown, signal: AbortSignal | undefined): Promise<null> {
    return this.#inWindow('imkey_moveBinding', signal, async (session) => {
      const imkey = await this.#host.imkey()
      const { seid, serial } = await this.#bound(imkey, Object(wanted) as { seid?: unknown })
      const passphrase = hexOf(crypto.getRandomValues(new Uint8Array(32)))
      const file = await imkey.exportBinding(seid, passphrase, { ...(signal && { signal }) })
      await this.#send(session, 'imkey_handOver', [{ file: btoa(String.fromCharCode(...file)), passphrase, seid, serial }], signal)
      await imkey.forget(seid)
      return null
    })
  }

  /** #bound gives the one device that is bound to this site, or the one that the site named. */
  async #bound(imkey: ImKey, { seid }: { seid?: unknown }): Promise<KnownDevice> {
    const bound = (await imkey.knownDevices()).filter((known) => known.state === 'bound' && (seid === undefined || known.seid === seid))
    if (bound.length > 1) throw badParams('several devices are bound to this site: name one by its seid')
    const [one] = bound
    if (!one) throw coded('not-bound', 'no device is bound to this site, so there is nothing to hand over')
    return one
  }
}

const hexOf = (bytes: Uint8Array) => `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`

function readAccounts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => /^0x[0-9a-f]{40}$/i.test(each as string)) : []
}
