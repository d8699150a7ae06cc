import type { OtherCoin } from '../sdk/protocol/messages'
import { object, text } from '../sdk/protocol/schema'
import { revoked } from '../sdk/provider/accounts'
import type { Call } from '../sdk/provider/call'
import type { CallsStatus } from '../sdk/provider/callsstatus'
import type { Chain } from '../sdk/provider/chain'
import { type Engine, start } from '../sdk/provider/engine'
import { rpcError } from '../sdk/provider/errors'
import { hex } from '../sdk/provider/hex'
import type { Host } from '../sdk/provider/host'
import { badParams, coded, unknownMethod } from '../sdk/provider/refusal'
import type { Known } from '../sdk/provider/memory'
import type { Device } from '../sdk/types/imkey'
import { chainFacts } from './chains'
import type { Around } from './around'
import { bitcoin } from './bitcoin'
import { CoinSite, type Kind } from './coin'
import { cosmos } from './cosmos'
import type { Asked, Behind, Connection } from './connection'
import { busy } from './room'
import { SiteChains } from './sitechains'
import { tron } from './tron'
import type { Progress, What } from './types'

/** The coins besides Ethereum. */
export const kinds: { readonly [C in OtherCoin]: Kind } = { tron, bitcoin, cosmos }

/** The most that is under way for an origin: requests, and the characters of their messages. */
const most = { requests: 1000, characters: 8 << 20 }

export const tooMuch = 'This site asks for too much at once. Try again when its earlier requests are answered.'

/** The most connections of an origin. A page has one for each provider, and each tab has its own. */
export const mostConnections = 64

/** The methods that ask the user. A request for another one that asks all the same is refused: see Broker. */
const asking = new Set([
  'eth_requestAccounts',
  'eth_sendTransaction',
  'eth_sign',
  'eth_signTransaction',
  'eth_signTypedData',
  'eth_signTypedData_v3',
  'eth_signTypedData_v4',
  'imkey_handOver',
  'personal_sign',
  'wallet_requestPermissions',
  'wallet_sendCalls',
  'wallet_sendTransaction',
  'wallet_showCallsStatus',
])

/** The methods of this library that are not for a page with a device of its own alone. */
const own = new Set(['imkey_forgetTransactions', 'imkey_handOver'])

/** The methods that give or take a permission. */
const allowing = new Set(['eth_requestAccounts', 'wallet_requestPermissions', 'wallet_revokePermissions'])

/** accountsOf tells whether two permissions are for the same accounts of the same device. */
const accountsOf = (known: Known | undefined) =>
  JSON.stringify(known && [known.accounts.map(({ address, path }) => [address, path]), known.device]) ?? ''

/** The path of account n, as most wallets have it (BIP 44). */
export const path = (n: number) => `m/44'/60'/0'/0/${n}`

const handOver = object({
  /** What exportBinding gave, in Base64. */
  file: text(65536, /^[A-Za-z0-9+/]*={0,2}$/),
  passphrase: text(256),
  seid: text(32, /^[0-9A-F]{32}$/),
  serial: text(64, /^[\x21-\x7e]+$/),
})

/** Site is one origin: its connections, and the engine that carries out its requests with its own accounts and chain. */
export class Site implements Behind {
  readonly origin: string
  readonly connections = new Set<Connection>()
  readonly #around: Around
  readonly #chains: SiteChains
  readonly #coins = new Map<OtherCoin, CoinSite>()
  #engine: Engine | undefined
  #accounts = '' // those that the engine has, and their device, as JSON
  #requests = 0
  #characters = 0

  constructor(around: Around, origin: string) {
    this.#around = around
    this.#chains = new SiteChains(around, origin)
    this.origin = origin
  }

  get version(): string {
    return this.#around.version
  }

  get ready(): Promise<void> {
    return this.#around.records.ready
  }

  read(signal: AbortSignal): Promise<void> {
    return this.#around.records.read(signal)
  }

  greeting() {
    const permission = this.#permission
    this.#around.records.used(this.origin)
    return { accounts: permission?.accounts.map(({ address }) => address) ?? [], ...(permission && { chainId: hex(permission.chainId) }) }
  }

  admit(size: number, { place, abort }: Pick<Asked, 'place' | 'abort'>): () => void {
    if (this.#requests >= most.requests || this.#characters + size > most.characters) throw busy(tooMuch)
    const guest = this.#around.characters.enter({ origin: this.origin, place }, size, () => abort(busy(tooMuch)))
    this.#requests++
    this.#characters += size
    return () => {
      guest.leave()
      this.#requests--
      this.#characters -= size
      this.#rest()
    }
  }

  async request({ method, params, chain, coin, place, signal, abort }: Asked): Promise<unknown> {
    if (typeof params !== 'object' || params === null) throw badParams('the params are neither a list nor an object')
    const of = coin && this.#coin(coin)
    const asks = of ? of.asks(method, params) : asking.has(method) && !(method === 'eth_requestAccounts' && this.#permission)
    const prompt = { origin: this.origin, place, method, signal, abort, ...(coin && { coin }) }
    const leave = asks ? this.#around.prompts.enter(prompt) : undefined
    try {
      if (of) return await of.request(method, params, signal)
      const engine = this.#started()
      if (method.startsWith('imkey_') && !own.has(method)) throw unknownMethod(method) // they are for a page with a device of its own
      if (method === 'imkey_handOver') return await this.#handOver(params, signal)
      const result = await engine.request(method, params, signal, undefined, chain && this.#chains.of(chain))
      // A wallet that is stopped now knows of it again when it is started.
      if (allowing.has(method)) await this.#around.records.stored(this.origin)
      if (asking.has(method)) this.#around.records.used(this.origin)
      return result
    } catch (thrown) {
      if (asks) this.#around.failed(signal, thrown)
      throw thrown
    } finally {
      leave?.()
    }
  }

  left(connection: Connection) {
    this.connections.delete(connection)
    this.#rest()
  }

  plugged(device: Device) {
    this.#engine?.plugged(device)
  }

  unplugged(device: Device) {
    this.#engine?.unplugged(device)
  }

  /** revoke takes the permission for a coin, without one for Ethereum. Its requests that the user has not seen through are rejected with 4100. */
  revoke(coin?: OtherCoin) {
    this.#abandon(coin)
    if (coin) return this.#coin(coin).revoke()
    this.#engine?.revoke()
    this.#around.records.revoke(this.origin)
  }

  /** moved notes that another window of this broker's storage changed the permission for a coin, or for Ethereum. */
  moved(coin?: OtherCoin) {
    const accounts = coin ? this.#coin(coin).accounts : (this.#permission?.accounts.map(({ address }) => address) ?? [])
    if (accounts.length === 0) this.#abandon(coin)
    if (coin) return this.#emit('accountsChanged', accounts, coin)
    if (accounts.length === 0) return this.#engine?.revoke()
    // The engine reads the record when it is started. One with other accounts is not used any more, also if requests are under way.
    const other = this.#accounts !== accountsOf(this.#permission)
    if (other || this.#requests === 0) {
      const old = this.#engine
      this.#engine = undefined
      if (other) old?.revoke()
      old?.close()
    }
    this.#emit('accountsChanged', accounts)
  }

  /** #abandon rejects what asks the user for a coin, because the permission was taken. */
  #abandon(coin: OtherCoin | undefined) {
    this.#around.prompts.abandon((prompt) => prompt.origin === this.origin && prompt.coin === coin, revoked())
  }

  get #permission() {
    return this.#around.records.permission(this.origin)
  }

  /** #rest ends the engine when nothing uses it any more. */
  #rest() {
    if (this.connections.size > 0 || this.#requests > 0) return
    this.#engine?.close()
    this.#engine = undefined
    this.#chains.close()
    this.#around.empty(this.origin)
  }

  #emit(name: Parameters<Connection['event']>[0], payload: unknown, coin?: OtherCoin) {
    for (const connection of this.connections) connection.event(name, payload, coin)
  }

  /** #coin gives what carries out the requests for a coin. */
  #coin(coin: OtherCoin): CoinSite {
    let one = this.#coins.get(coin)
    if (!one) {
      const kind = kinds[coin]
      one = new CoinSite(
        this.#around,
        this.#host(() => false, coin),
        this.origin,
        kind,
        (accounts) => this.#emit('accountsChanged', accounts, coin),
      )
      this.#coins.set(coin, one)
    }
    return one
  }

  #started(): Engine {
    if (!this.#engine) {
      const engine: Engine = start(this.#host(() => this.#engine === engine))
      this.#engine = engine
    }
    return this.#engine
  }

  /** #host is for one engine, or for a coin. current says whether it is still the engine that is used. */
  #host(current: () => boolean, coin?: OtherCoin): Host {
    const { origin } = this
    const { rpcTimeout, records, turns, names } = this.#around
    const chains = this.#chains.all(this.#permission?.chain)
    const imkey = () => this.#around.imkey()
    return {
      origin,
      turns,
      reads: (displaced) => this.#around.answers.enter({ origin }, 0, displaced),
      consents: {
        review: (what, call, work) => this.#around.review(origin, what, call, work),
        chain: (chain) => chainFacts(chain, names),
        show: (status, total, chain, call) => this.#show(status, total, chain, call),
      },
      settings: {
        load: { usb: turns as never }, // where there is no IndexedDB, the sites of this broker share a journal
        chains,
        unusable: [],
        chainId: chains[0]!.id,
        paths: [path(0)],
        pairing: async ({ device, signal = new AbortController().signal }) =>
          void (await this.#around.pair({ reason: 'bind', imkey: await imkey(), device, signal })),
        confirmSignIn: undefined,
        confirmCalls: undefined,
        rpcTimeout,
        holdDevice: 0, // the turns have it
        remember: true,
        key: '',
      },
      loadDialog: () => Promise.reject(new Error('a broker has no dialog')),
      imkey,
      find: async (again, _, serial, signal = new AbortController().signal) => {
        const known = await (await imkey()).getDevices()
        const same = again ? [] : known.filter((device) => device.serialNumber === serial)
        const [only, ...others] = same.length > 0 ? same : known
        if (only && others.length === 0) return only
        const chosen = await this.#around.pair({ reason: 'choose', imkey: await imkey(), signal })
        if (chosen) return chosen
        const now = await (await imkey()).getDevices()
        const [device] = [...now.filter((each) => !known.includes(each)), ...now]
        if (!device) throw coded('no-device', 'no device was chosen', { retryable: true })
        return device
      },
      prompt: async (reason, method, question) => {
        const tell = (state: 'waiting' | 'done') => this.#interaction({ state, reason, method }, coin)
        tell('waiting')
        try {
          return await question()
        } finally {
          tell('done')
        }
      },
      emit: (name, payload) => {
        if (name === 'interaction') this.#interaction(payload as Progress, coin)
        else if (current()) this.#emit(name, payload)
      },
      gone: (why) => {
        if (current()) this.#emit('disconnect', { code: 4900, message: why, data: { code: 'device-disconnected', retryable: true } })
      },
      readChain: (options) => this.#chains.add(options),
      named: (id) => this.#chains.named(id),
      recall: () => {
        this.#accounts = accountsOf(this.#permission)
        return this.#permission
      },
      remember: (known) => {
        if (!current()) return
        this.#accounts = accountsOf(known)
        if (!known) return records.revoke(origin)
        const now = Date.now()
        const { since = now } = records.permission(origin) ?? {}
        const { accounts, serial, device, chainId } = known
        const chain = this.#chains.added(chainId)
        records.allow({ origin, since, used: now, accounts, serial, device, chainId, ...(chain && { chain }) })
      },
    }
  }

  /** #show shows what became of a batch, in its turn. It resolves when the user has closed that. */
  async #show({ status, receipts = [] }: CallsStatus, total: number, chain: Chain, call: Call): Promise<void> {
    const { names } = this.#around
    const what: What = {
      kind: 'calls-status',
      chain: chainFacts(chain, names),
      status,
      receipts: receipts.map(({ status, transactionHash }) => ({ status, transactionHash })),
      total,
    }
    const asked = this.#around.review(
      this.origin,
      async () => what,
      call,
      async () => undefined,
    )
    await asked.catch((thrown: unknown) => {
      if (rpcError(thrown).code !== 4001 || call.signal?.aborted) throw thrown // how the user closed it does not matter
    })
  }

  /** #interaction tells the shell of what the user has to do, and a site of what its provider for Ethereum has. */
  #interaction(progress: Progress, coin?: OtherCoin) {
    if (!coin) this.#emit('interaction', progress)
    this.#around.device(this.origin, progress)
  }

  /**
   * #handOver stores the binding of a site that was an app of its own. The record is an imported one: it is trusted only when the device
   * and its certificate, or the user, confirm it. The site forgets its own record when it has the answer.
   */
  async #handOver(params: object, signal: AbortSignal): Promise<true> {
    let given
    try {
      given = handOver(Array.isArray(params) && params.length === 1 ? params[0] : undefined, 'the parameter')
    } catch (sentence) {
      throw badParams(String(sentence))
    }
    const { file, passphrase, seid, serial } = given
    if (file.length % 4 !== 0) throw badParams('the file is not Base64')
    const imkey = await this.#around.imkey()
    /** find gives this browser's record of the device. One of a device that was never bound here does not count: nothing is lost with it. */
    const find = async () =>
      (await imkey.knownDevices()).find((each) => each.seid === seid && !(each.state === 'unfinished' && each.boundAt === null))
    const known = await find()
    if (known && known.serial !== '' && known.serial !== serial) throw badParams('the device with that SEID has another serial number')
    const what: What = {
      kind: 'hand-over',
      seid,
      serial,
      ...(known && { known: { name: known.name, serial: known.serial, state: known.state } }),
    }
    return this.#around.review<true>(
      this.origin,
      async () => what,
      { method: 'imkey_handOver', signal },
      async ({ override, signal }) => {
        const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0))
        // The file has to be of the device that the user was shown. A record that was not shown is not replaced: the device may have been bound
        // here while the screen asked.
        await imkey.importBinding(bytes, passphrase, { seid, serial, replace: override === true, ...(signal && { signal }) })
        return true
      },
    )
  }
}

/** reasonOf gives the code of an error, and its reason where it has one, for the shell. */
export const reasonOf = (thrown: unknown): { readonly code?: string; readonly reason?: string } => {
  const { code, reason } = Object(rpcError(thrown).data) as { code?: unknown; reason?: unknown }
  return typeof code !== 'string' ? {} : { code, ...(typeof reason === 'string' && { reason }) }
}
