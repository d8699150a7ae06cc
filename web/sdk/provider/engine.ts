// The provider's methods. Loaded on demand, so it shares no code with imkey.js: what it needs of it is its Host.

import type { Account, ChainOptions, Device, Ethereum, ImKey, Interaction, PairingRequest, TransactionRequest } from '../types/imkey'
import type { Chain } from './chain'
import { hex, isAddress, readAddress, readBytes, toBytes } from './hex'
import type { Known } from './memory'
import type { Settings } from './options'
import { type LoadDialog, openDialog } from './dialog'
import { Queue } from './queue'
import { badParams, givenUp, NodeError, Refusal, unauthorized, unknownMethod, wrongChain } from './refusal'
import { ask } from './rpc'
import { Subscriptions } from './subscriptions'
import { complete, readTransaction } from './transaction'
import { chainOf, readTypedData } from './typeddata'

/** Host is what the engine gets of provider.ts. */
export interface Host {
  readonly settings: Settings
  readonly loadDialog: LoadDialog
  imkey(): Promise<ImKey>
  /** Gives a device that this page may use; again: the person chooses even when only one is known. */
  find(again: boolean, method: string, serial?: string | null): Promise<Device>
  /** Tells by interaction events that the person is asked something. */
  prompt<T>(reason: 'pair', method: string, question: () => Promise<T>): Promise<T>
  emit(name: 'connect' | 'chainChanged' | 'accountsChanged' | 'message' | 'interaction', payload: unknown): void
  /** Emits disconnect, and says why. */
  gone(why: string): void
  readChain(chain: ChainOptions): Chain
  /** What is kept of an earlier connection, where it is to be kept. */
  recall(): Known | undefined
  remember(known: Known | undefined): void
}

export interface Engine {
  readonly connected: boolean
  request(method: string, params: readonly unknown[] | object | undefined, signal: AbortSignal | undefined, early?: Promise<Device>): Promise<unknown>
  plugged(device: Device): void
  unplugged(device: Device): void
}

export const start = (host: Host): Engine => new EthereumProvider(host)

/** Params is a method's list of parameters; how many there are is the method's to check. */
type Params = readonly unknown[]

/** Call is one request while it is carried out. */
interface Call {
  readonly method: string
  readonly signal: AbortSignal | undefined
}

// What only a wallet can answer, and this one cannot: a node would not know it either.
const unsupported = new Set([
  'eth_decrypt', 'eth_getEncryptionPublicKey', 'eth_signTypedData_v1', 'personal_sendTransaction', 'personal_signTransaction',
  'personal_unlockAccount', 'personal_importRawKey', 'personal_newAccount',
])

class EthereumProvider implements Engine {
  readonly #host: Host
  readonly #chains: Map<number, Chain>
  readonly #queue = new Queue(() => this.#release())
  readonly #subscriptions: Subscriptions
  #selected: number
  #accounts: readonly Pick<Account, 'address' | 'path'>[] = []
  #device: Device | undefined // plugged in, or undefined
  #claimed: Device | undefined // opened for a job, and kept so for the next one on it
  #takenOver: Device | undefined // by another tab, in the middle of a job: the next job takes it back
  #serial: string | null | undefined // of the device that the accounts are on
  #connecting: Connecting | undefined
  readonly #gone = new WeakSet<Device>() // unplugged; plugged in again they are other objects

  constructor(host: Host) {
    this.#host = host
    this.#chains = new Map(host.settings.chains.map(chain => [chain.id, chain]))
    this.#selected = host.settings.chainId
    this.#subscriptions = new Subscriptions(host.settings.rpcTimeout, message => host.emit('message', message))
    const known = host.recall()
    if (known) {
      this.#accounts = known.accounts
      this.#serial = known.serial
      if (this.#chains.has(known.chainId)) this.#selected = known.chainId // else it was added, and is no more
    }
    // Taken back in another tab, or cleared with all that is kept of the site, they are no longer this tab's either.
    if (host.settings.remember) globalThis.addEventListener?.('storage', ({ key }) => {
      if ((key === host.settings.key || key === null) && !host.recall()) this.#forget('The accounts were taken back. Connect again to go on.')
    })
  }

  get connected(): boolean {
    return this.#device !== undefined
  }

  async request(method: string, params: Params | object | undefined, signal: AbortSignal | undefined, early?: Promise<Device>): Promise<unknown> {
    const call: Call = { method, signal }
    const own = this.#methods[method]
    if (own) {
      if (params !== undefined && !Array.isArray(params)) throw badParams(`the params of ${method} are no list`)
      return own((params as Params | undefined) ?? [], call, early)
    }
    if (method.startsWith('wallet_') || unsupported.has(method)) throw unknownMethod(method)
    return this.#ask(method, params ?? [], signal)
  }

  readonly #methods: Record<string, ((params: Params, call: Call, early?: Promise<Device>) => unknown) | undefined> = Object.assign(
    Object.create(null) as {}, // a method called toString is none of these
    {
      eth_accounts: () => this.#addresses,
      eth_coinbase: () => this.#addresses[0] ?? null,
      eth_chainId: () => hex(this.#selected),
      net_version: () => String(this.#selected),

      eth_requestAccounts: async (_: Params, call: Call, early?: Promise<Device>) => {
        if (!this.#device || this.#accounts.length === 0) await this.#connect(call, early)
        return this.#addresses
      },
      wallet_requestPermissions: async ([wanted]: Params, call: Call, early?: Promise<Device>) => {
        readPermissions(wanted)
        const again = this.connected // whoever asks anew wants another device
        await this.#connect(call, again ? this.#host.find(true, call.method) : early)
        return this.#permissions
      },
      wallet_getPermissions: () => this.#permissions,
      wallet_revokePermissions: ([wanted]: Params) => {
        readPermissions(wanted)
        this.#connecting?.controller.abort(takenBack())
        this.#forget('The accounts were taken back. Connect again to go on.')
        return null
      },

      wallet_switchEthereumChain: ([wanted]: Params) => {
        const id = chainIdOf(wanted)
        if (!this.#chains.has(id)) {
          throw new Refusal(4902, `Chain ${id} is unknown here. Add it by wallet_addEthereumChain first.`, 'invalid-argument')
        }
        this.#select(id)
        return null
      },
      wallet_addEthereumChain: ([wanted]: Params, call: Call) => this.#addChain(wanted, call),

      personal_sign: ([message, address]: Params, call: Call) => {
        // Some write them the other way round, as eth_sign has them.
        if (isAddress(message) && !isAddress(address)) [message, address] = [address, message]
        return this.#signMessage(address, message, call)
      },
      eth_sign: ([address, message]: Params, call: Call) => this.#signMessage(address, readBytes(message, 'the message'), call),
      eth_signTypedData: ([address, document]: Params, call: Call) => {
        if (Array.isArray(address)) throw new Refusal(4200, 'Typed data of version 1 cannot be signed. Use eth_signTypedData_v4.', 'unsupported-method')
        return this.#signTypedData(address, document, 'V4', call)
      },
      eth_signTypedData_v3: ([address, document]: Params, call: Call) => this.#signTypedData(address, document, 'V3', call),
      eth_signTypedData_v4: ([address, document]: Params, call: Call) => this.#signTypedData(address, document, 'V4', call),
      eth_signTransaction: ([transaction]: Params, call: Call) => this.#sign(transaction, call, async ({ raw }) => raw),
      eth_sendTransaction: ([transaction]: Params, call: Call) => this.#sign(transaction, call, (signed, chain) => this.#send(signed, chain)),

      eth_subscribe: (params: Params, call: Call) => {
        const { webSocketUrl } = this.#chain
        return webSocketUrl === undefined
          ? this.#ask(call.method, params, call.signal)
          : this.#subscriptions.subscribe(webSocketUrl, params, call.signal)
      },
      eth_unsubscribe: (params: Params, call: Call) =>
        this.#subscriptions.has(params[0]) ? this.#subscriptions.unsubscribe(params[0] as string, call.signal) : this.#ask(call.method, params, call.signal),
    },
  )

  get #chain(): Chain {
    return this.#chains.get(this.#selected)!
  }

  get #addresses(): string[] {
    return this.#accounts.map(({ address }) => address)
  }

  get #permissions(): unknown[] {
    const value = this.#addresses
    if (value.length === 0) return []
    const invoker = globalThis.location?.origin
    return [{ ...(invoker && { invoker }), parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value }] }]
  }

  #ask(method: string, params: Params | object, signal?: AbortSignal, chain = this.#chain): Promise<unknown> {
    return ask(chain.rpcUrls, this.#host.settings.rpcTimeout, method, params, signal).catch((thrown: unknown) => {
      throw signal?.aborted ? givenUp(signal) : thrown
    })
  }

  // Accounts and devices.

  /** #connect has the device's accounts read, after the person chose and bound one where that is needed. Who comes while it is on, joins. */
  async #connect(call: Call, found?: Promise<Device>): Promise<void> {
    found?.catch(() => {}) // where another one is under way it is not looked at
    // One that was given up only waits for the device to be idle: its failure is not this caller's.
    while (this.#connecting?.controller.signal.aborted) await unlessAborted(call.signal, this.#connecting.done.catch(() => {}))
    const current = this.#connecting ??= this.#beginConnecting(call.method, found)
    current.callers++
    return new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        if (--current.callers > 0) reject(givenUp(call.signal!))
        else current.controller.abort(call.signal!.reason) // and settles when the device is idle
      }
      call.signal?.addEventListener('abort', giveUp, { once: true })
      current.done.then(resolve, reject).finally(() => call.signal?.removeEventListener('abort', giveUp))
    })
  }

  #beginConnecting(method: string, found?: Promise<Device>): Connecting {
    const controller = new AbortController()
    const call: Call = { method, signal: controller.signal }
    const done = (async () => {
      const device = await unlessAborted(controller.signal, found ?? this.#host.find(false, method, this.#serial))
      await this.#use(call, async () => device, async ({ ethereum }) => {
        const accounts = await this.#read(ethereum, controller.signal)
        if (controller.signal.aborted) throw givenUp(controller.signal)
        this.#adopt(device, accounts)
      })
    })().catch((thrown: unknown) => {
      const { reason } = controller.signal
      throw reason instanceof Refusal ? reason : thrown // the accounts were taken back
    }).finally(() => { this.#connecting = undefined })
    return { done, controller, callers: 0 }
  }

  async #read(ethereum: Ethereum, signal?: AbortSignal): Promise<Account[]> {
    const accounts: Account[] = []
    for (const path of this.#host.settings.paths) accounts.push(await ethereum.getAccount({ path, allowUnbound, acceptUnverified, ...(signal && { signal }) }))
    return accounts
  }

  /** #adopt makes a device the current one, with these accounts. */
  #adopt(device: Device, accounts: readonly Pick<Account, 'address' | 'path'>[] = this.#accounts) {
    if (this.#gone.has(device)) throw new Refusal(4900, 'The imKey was unplugged. Plug it in again, then try again.', 'device-disconnected', true)
    const news = !this.#device
    this.#become(device, device.serialNumber, accounts, () => {
      if (news) this.#host.emit('connect', { chainId: hex(this.#selected) })
    })
  }

  /** #forget takes the accounts back from the dApp. */
  #forget(why: string) {
    const lost = this.#device
    this.#become(undefined, undefined, [], () => {
      if (lost) this.#host.gone(why)
    })
  }

  /** #become changes everything before it tells of anything: a listener that asks hears what is so now. */
  #become(device: Device | undefined, serial: string | null | undefined, accounts: readonly Pick<Account, 'address' | 'path'>[], tell: () => void) {
    const before = this.#addresses.join()
    this.#device = device
    this.#serial = serial
    this.#accounts = accounts.map(({ address, path }) => ({ address, path }))
    this.#store()
    const changed = before !== this.#addresses.join()
    tell()
    if (changed) this.#host.emit('accountsChanged', this.#addresses)
  }

  #store() {
    if (!this.#host.settings.remember) return
    this.#host.remember(this.#accounts.length === 0 ? undefined
      : { accounts: this.#accounts, serial: this.#serial ?? null, chainId: this.#selected })
  }

  /** plugged goes on with the device that was unplugged, or with another one in its place when that one is ready for it. */
  plugged(device: Device) {
    if (this.#device || this.#accounts.length === 0) return
    if (device.serialNumber !== null && device.serialNumber === this.#serial) return this.#adopt(device)
    const call: Call = { method: 'eth_accounts', signal: undefined }
    this.#use(call, async () => device, async ({ ethereum }) => {
      const accounts = await this.#read(ethereum)
      if (!this.#device && this.#accounts.length > 0) this.#adopt(device, accounts)
    }, undefined, false).catch(() => {}) // nobody asked: it is locked, or not bound here, and the next request says so
  }

  unplugged(device: Device) {
    this.#gone.add(device)
    this.#lose(device)
  }

  #lose(device: Device) {
    if (device !== this.#device) return
    this.#device = undefined
    this.#host.gone('The imKey was unplugged. Plug it in again to go on.')
  }

  /** #current gives the device that the accounts are on. Plugged in again, it is found again; nobody is asked. */
  async #current(): Promise<Device> {
    if (this.#device) return this.#device
    const devices = await (await this.#host.imkey()).getDevices()
    if (this.#accounts.length === 0) throw takenBack()
    const device = devices.find(device => device.serialNumber === this.#serial)
    if (!device) throw new Refusal(4900, 'The imKey is not plugged in. Plug it in, then try again.', 'device-disconnected', true)
    this.#adopt(device)
    return device
  }

  /**
   * #use does something with a device when its turn comes. find may take its time: the device is open for the job alone, so
   * that other tabs and programs have their turn, too. What waits behind it
   * for the same device finds it open. after is still within the turn.
   */
  #use<T, R = T>(call: Call, find: () => Promise<Device>, job: (device: Device) => Promise<T>, after?: (result: T) => Promise<R>, mayPair = true): Promise<R> {
    const { signal } = call
    return this.#queue.run(signal, () => givenUp(signal!), async () => {
      const device = await find()
      if (this.#claimed !== device) await this.#release()
      const result = await this.#opened(device, call, job, mayPair)
      return after ? after(result) : result as unknown as R
    })
  }

  async #opened<T>(device: Device, call: Call, job: (device: Device) => Promise<T>, mayPair: boolean): Promise<T> {
    const { signal, method } = call
    const told = (event: CustomEvent<Interaction>) => this.#host.emit('interaction', { ...event.detail, method })
    device.addEventListener('interaction', told)
    this.#claimed = device
    try {
      if (!device.opened) await device.open({ takeOver: this.#takenOver === device, ...(signal && { signal }) })
      this.#takenOver = undefined
      try {
        return await job(device)
      } catch (error) {
        if (!mayPair || !needsBinding(error)) throw error
        await this.#pair(device, call, error)
        return await job(device)
      }
    } catch (error) {
      // Not every loss of a device is one of its plug: the person may have taken the permission back.
      if (codeOf(error) === 'device-disconnected') this.#lose(device)
      if ((Object(error) as { data?: { reason?: unknown } }).data?.reason === 'taken-over') this.#takenOver = device
      throw error
    } finally {
      device.removeEventListener('interaction', told)
      if (this.#queue.idle) await this.#release()
    }
  }

  async #release() {
    const claimed = this.#claimed
    this.#claimed = undefined
    await claimed?.close().catch(() => {}) // it was unplugged, or is free all the same
  }

  async #pair(device: Device, { method, signal }: Call, error: unknown) {
    const { pairing, load: { rememberCode } } = this.#host.settings
    if (pairing === 'none') throw error
    const request: PairingRequest = { imkey: await this.#host.imkey(), device, ...(signal && { signal }) }
    await this.#host.prompt('pair', method, () => pairing === 'dialog'
      ? openDialog(this.#host.loadDialog, { ...request, ...(rememberCode !== undefined && { rememberCode }) }) // and the device is idle when it is gone
      : unlessAborted(signal, pairing(request)))
      .catch((thrown: unknown) => {
        throw signal?.aborted ? givenUp(signal) : thrown
      })
    if (!device.opened) await device.open({ ...(signal && { signal }) })
  }

  /** #account gives the dApp's own account with that address. */
  #account(address: string): Pick<Account, 'address' | 'path'> {
    const account = this.#accounts.find(account => account.address.toLowerCase() === address)
    if (account) return account
    throw unauthorized(this.#accounts.length === 0
      ? 'No account is connected. Connect one by eth_requestAccounts first.'
      : `The account ${address} is none of the connected ones. Use one of those, or connect again.`)
  }

  /**
   * #withAccount signs with an account, if it still may when it comes to that. When the device turns out to have another
   * wallet, its accounts are forgotten.
   */
  async #withAccount<T, R = T>(
    call: Call, address: string, job: (ethereum: Ethereum, options: SignerOptions) => Promise<T>,
    { before, after, may }: { before?: () => Promise<void>; after?: (result: T) => Promise<R>; may?: () => void } = {},
  ): Promise<R> {
    let device: Device | undefined
    const still = () => {
      this.#account(address)
      may?.()
    }
    const find = async () => {
      still() // while this one waited its turn, others may have brought other accounts
      device = await this.#current()
      await before?.()
      still()
      return device
    }
    const sign = ({ ethereum }: Device) => {
      still() // opening and pairing take their time, too
      const { path, address: from } = this.#account(address)
      return job(ethereum, { path, from, allowUnbound, acceptUnverified, ...(call.signal && { signal: call.signal }) })
    }
    try {
      return await this.#use(call, find, sign, after)
    } catch (error) {
      if (isForeignFrom(error)) {
        // Else they are another device's by now.
        if (this.#device === device) this.#forget('The wallet on the imKey is another one now. Connect again to use its accounts.')
        throw unauthorized('The wallet on the imKey is another one now. Connect again by eth_requestAccounts to use its accounts.', error)
      }
      throw error
    }
  }

  // Signatures.

  async #signMessage(address: unknown, message: unknown, call: Call): Promise<string> {
    const account = readAddress(address, 'the account')
    this.#account(account)
    if (typeof message !== 'string') throw badParams('the message is no text')
    // Text that only looks like hex is refused rather than guessed at.
    const signed = /^0x/i.test(message) ? toBytes(readBytes(message, 'the message')) : message
    return this.#withAccount(call, account, async (ethereum, options) => (await ethereum.signMessage(signed, options)).signature)
  }

  async #signTypedData(address: unknown, value: unknown, version: 'V3' | 'V4', call: Call): Promise<string> {
    const account = readAddress(address, 'the account')
    this.#account(account)
    const document = readTypedData(value)
    const chainId = chainOf(document)
    const may = () => {
      if (chainId !== undefined && chainId !== String(this.#selected)) {
        throw wrongChain(`The typed data is for chain ${chainId}, but chain ${this.#selected} is selected. Switch the chain first.`)
      }
    }
    may()
    return this.#withAccount(call, account, async (ethereum, options) =>
      (await ethereum.signTypedData(document, { ...options, version })).signature, { may })
  }

  /** #sign completes and signs a transaction. The next one waits until this one is sent: its nonce depends on it. */
  async #sign<T>(value: unknown, call: Call, then: (signed: Signed, chain: Chain) => Promise<T>): Promise<T> {
    const chain = this.#chain
    const wanted = readTransaction(value, chain.id)
    const account = this.#account(wanted.from ?? this.#addresses[0]?.toLowerCase() ?? '').address
    const { nativeCurrency } = chain
    let transaction: TransactionRequest
    return this.#withAccount(
      call, account.toLowerCase(),
      (ethereum, options) => ethereum.signTransaction(transaction, { ...options, nativeCurrency }),
      {
        before: async () => {
          transaction = await complete(wanted, account, chain,
            (method, params, signal) => this.#ask(method, params, signal, chain), call.signal)
        },
        after: signed => then(signed, chain),
      },
    )
  }

  /** #send hands a signed transaction to the node. It takes no signal: what is signed is not called back. */
  async #send({ raw, hash }: Signed, chain: Chain): Promise<string> {
    let answer: unknown
    try {
      answer = await this.#ask('eth_sendRawTransaction', [raw], undefined, chain)
    } catch (thrown) {
      // A node refuses what it has already: signed twice a transaction is the same one, and a silent node may have passed it on.
      if (thrown instanceof NodeError && await this.#isKnown(hash, chain)) return hash
      const silent = thrown instanceof NodeError ? thrown.after : thrown
      if (!(silent instanceof Refusal)) throw thrown // the node's own word
      throw Object.assign(silent, { message: `${silent.message} The transaction may have been sent all the same, as ${hash}: look it up before you send it again.` })
    }
    if (String(answer).toLowerCase() !== hash.toLowerCase()) {
      throw new Refusal(-32603, `The node answered with another hash. The transaction, if it was sent, is ${hash}: look it up before you send it again.`, 'protocol')
    }
    return hash
  }

  /** #isKnown says that one of the chain's nodes has the transaction. They are asked together: one of them may be silent. */
  #isKnown(hash: string, { rpcUrls }: Chain): Promise<boolean> {
    return Promise.any(rpcUrls.map(async url => {
      const found = await ask([url], this.#host.settings.rpcTimeout, 'eth_getTransactionByHash', [hash])
      if (String((Object(found) as { hash?: unknown }).hash).toLowerCase() !== hash.toLowerCase()) throw found
    })).then(() => true, () => false)
  }

  // Chains.

  #select(id: number) {
    if (id === this.#selected) return
    this.#selected = id
    this.#subscriptions.close()
    this.#store()
    this.#host.emit('chainChanged', hex(id))
  }

  /** #addChain adds a chain (EIP-3085) whose node confirms that it is that one, and selects it, as wallets do. */
  async #addChain(wanted: unknown, { signal }: Call): Promise<null> {
    const id = chainIdOf(wanted)
    if (!this.#chains.has(id)) {
      let chain: Chain
      try {
        chain = this.#host.readChain(wanted as ChainOptions)
      } catch (sentence) {
        throw badParams(String(sentence))
      }
      const node = await this.#ask('eth_chainId', [], signal, chain)
      if (node !== hex(id)) throw badParams(`the node at rpcUrls is on another chain than ${id}`)
      if (!this.#chains.has(id)) this.#chains.set(id, chain)
    }
    this.#select(id)
    return null
  }
}

interface Connecting {
  readonly done: Promise<void>
  readonly controller: AbortController
  callers: number
}

/**
 * A device that no trusted key vouches for is bound only after its person accepted it, on this very site, and its key is
 * pinned since; on one that is not bound the calls end before this matters.
 */
const acceptUnverified = true

/** Said although it is the default: what is left out of an object comes from Object.prototype, which any script can add to. */
const allowUnbound = false

interface SignerOptions {
  path: string
  from: string
  allowUnbound: boolean
  acceptUnverified: boolean
  signal?: AbortSignal
}

type Signed = Awaited<ReturnType<Ethereum['signTransaction']>>

function chainIdOf(wanted: unknown): number {
  const { chainId } = Object(wanted) as { chainId?: unknown }
  if (typeof chainId !== 'string' || !/^0x[1-9a-f][0-9a-f]*$/i.test(chainId) || !Number.isSafeInteger(Number(chainId))) {
    throw badParams('the chainId is no number in hex without leading zeros, as in "0x1"')
  }
  return Number(chainId)
}

function readPermissions(wanted: unknown) {
  if (typeof wanted !== 'object' || wanted === null || Object.keys(wanted).join() !== 'eth_accounts') {
    throw badParams('the one permission here is { eth_accounts: {} }')
  }
}

const codeOf = (error: unknown) => (Object(error) as { code?: unknown }).code

/** needsBinding says that the dialog has a way on: the code, or, for a damaged binding, forgetting it first. */
const needsBinding = (error: unknown) =>
  ['not-bound', 'bound-elsewhere', 'record-corrupt', 'device-mismatch'].includes(codeOf(error) as string)

function isForeignFrom(error: unknown): boolean {
  const { code, data } = Object(error) as { code?: unknown; data?: { reason?: unknown; at?: unknown } }
  return code === 'invalid-argument' && (data?.reason === 'foreign-from' || data?.at === 'from')
}

const takenBack = () => unauthorized('The accounts were taken back meanwhile. Connect again to go on.')

function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(givenUp(signal))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
