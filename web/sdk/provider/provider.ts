// The part of the provider that is in imkey.js: events, and what has to happen within a click. The rest is engine.ts, which is loaded
// with the first request.

import { signalOf, untilAborted } from '../client/device'
import { notLoaded } from '../client/instance'
import { learn, worded } from '../client/sentences'
import { version } from '../client/version.gen'
import type { Device, ImKey, LoadOptions, Provider as Declared, ProviderInteraction, ProviderOptions } from '../types/imkey'
import type { LoadDialog } from './dialog'
import type { Engine } from './engine'
import { type Reason, ProviderRpcError, refusal, rpcError } from './errors'
import { Events, type Listener } from './events'
import { readChain } from './chain'
import type { ConnectorHost, LoadConnector } from './connectorhost'
import { type Known, recall, remember } from './memory'
import { readOptions, type Settings } from './options'

export function makeProvider(
  options: ProviderOptions,
  load: (options: LoadOptions) => Promise<ImKey>,
  loadDialog: LoadDialog,
  loadConnector: LoadConnector,
): Declared {
  return new Provider(readOptions(options), load, loadDialog, loadConnector)
}

class Provider implements Declared {
  readonly isImKey = true
  readonly unusableChains: Declared['unusableChains']
  readonly #events = new Events()
  readonly #settings: Settings
  readonly #load: (options: LoadOptions) => Promise<ImKey>
  readonly #loadDialog: LoadDialog
  readonly #loadConnector: LoadConnector
  #loading: Promise<Engine> | undefined
  #engine: Engine | undefined
  #imkey: Promise<ImKey> | undefined
  #early: Promise<Device> | undefined // looked for while the engine is loading
  #window: Window | null | undefined // of the connector, opened while the engine is loading
  #prompts = 0

  constructor(settings: Settings, load: (options: LoadOptions) => Promise<ImKey>, loadDialog: LoadDialog, loadConnector: LoadConnector) {
    this.#loadConnector = loadConnector
    this.#settings = settings
    this.unusableChains = settings.unusable
    this.#load = load
    this.#loadDialog = loadDialog
  }

  // Properties rather than methods: dApps call them without the object.
  readonly isConnected = () => this.#engine?.connected ?? false

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

  readonly request = async (request: { method: string; params?: readonly unknown[] | object | null; signal?: AbortSignal }) => {
    try {
      const { method, params, signal } = read(request)
      const asks = method === 'eth_requestAccounts' || method === 'wallet_requestPermissions'
      if (asks && this.#prompts > 0 && !(method === 'eth_requestAccounts' && this.isConnected())) {
        throw refusal(-32002, 'A question is open already. Answer it first.', 'device-busy', true)
      }
      // The browser opens the chooser, and a window, only within the click, so they cannot wait for the engine's download.
      if (!this.#engine && this.#settings.connector) {
        if ((this.#recall() ? opening : introducing).test(method)) this.#window ??= this.#open()
      } else if (asks && !this.#engine) {
        this.#early ??= this.#find(false, method, this.#recall()?.serial)
        this.#early.catch(() => {})
      }
      const early = this.#early
      const engine = this.#engine ?? (await untilAborted(signal, this.#started()))
      return await engine.request(method, params, signal, early)
    } catch (thrown) {
      throw rpcError(thrown)
    }
  }

  #started(): Promise<Engine> {
    this.#loading ??= (this.#settings.connector ? this.#loadConnector() : import('./engine'))
      .then(
        ({ start, late }) => {
          learn(late)
          return (this.#engine = start(this.#host()))
        },
        (cause: unknown) => {
          this.#loading = undefined
          return notLoaded(cause)
        },
      )
      .finally(() => {
        this.#early = undefined
      }) // the requests that need it have it
    return this.#loading
  }

  #host(): ConnectorHost {
    return {
      version,
      open: () => this.#open(),
      opened: () => {
        const window = this.#window
        this.#window = undefined
        return window
      },
      settings: this.#settings,
      loadDialog: this.#loadDialog,
      imkey: () => this.#loaded(),
      find: (again, method, serial) => this.#find(again, method, serial),
      prompt: (reason, method, question) => this.#prompt(reason, method, question),
      emit: (name, payload) => this.#events.emit(name, payload),
      gone: (why) => {
        this.#events.emit('disconnect', new ProviderRpcError(4900, why, { code: 'device-disconnected', retryable: true } satisfies Reason))
      },
      readChain,
      recall: () => this.#recall(),
      remember: (known) => remember(this.#settings.key, known),
    }
  }

  /** #open opens the connector's window, blank, or gives the one that this page opened before. */
  #open(): Window | null | undefined {
    return globalThis.open?.('', this.#settings.connector, 'popup,width=440,height=760')
  }

  #recall(): Known | undefined {
    return this.#settings.remember ? recall(this.#settings.key) : undefined
  }

  #loaded(): Promise<ImKey> {
    this.#imkey ??= this.#load(this.#settings.load).then(
      (imkey) => {
        imkey.addEventListener('connect', (event) => this.#engine?.plugged(event.detail.device))
        imkey.addEventListener('disconnect', (event) => this.#engine?.unplugged(event.detail.device))
        return imkey
      },
      (error: unknown) => {
        this.#imkey = undefined
        throw error
      },
    )
    return this.#imkey
  }

  /** #find resolves to the one device with that serial number, or to the only one, or to one that the user chooses. */
  async #find(again: boolean, method: string, serial?: string | null): Promise<Device> {
    const imkey = await this.#loaded()
    if (!again) {
      const devices = await imkey.getDevices()
      const same = devices.filter((device) => device.serialNumber === serial)
      const [known, ...others] = same.length > 0 ? same : devices
      if (known && others.length === 0) return known
    }
    return this.#prompt('choose-device', method, () => imkey.requestDevice())
  }

  async #prompt<T>(reason: 'choose-device' | 'pair', method: string, question: () => Promise<T>): Promise<T> {
    const tell = (state: 'waiting' | 'done') => this.#events.emit('interaction', { state, reason, method } satisfies ProviderInteraction)
    this.#prompts++
    tell('waiting')
    try {
      return await question()
    } finally {
      this.#prompts--
      tell('done')
    }
  }
}

/** The methods that open the connector's window: where accounts are known, and where none are. */
const opening = /^(personal_sign|eth_(sign(T.+[^1])?|sendTransaction)|wallet_(s(end|how).+|requestP.+)|imkey_m.+)$/
const introducing = /^(eth_req|wallet_requestP|imkey_m)/

function read(request: { method: string; params?: readonly unknown[] | object | null; signal?: AbortSignal }) {
  const bad = (detail: string) => refusal(-32602, worded('invalid-argument', detail), 'invalid-argument')
  if (typeof request !== 'object' || request === null || Array.isArray(request)) throw bad('the request is not an object')
  const { method, params } = request
  if (typeof method !== 'string' || method === '') throw bad('the method is not a name')
  if (typeof (params ?? {}) !== 'object') throw bad('the params are neither a list nor an object')
  return { method, params: params ?? [], signal: signalOf(request) }
}
