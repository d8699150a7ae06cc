import type { CoreDevice, CoreOptions } from './core'
import { aborted, failure, invalid } from './errors'
import { Instance } from './instance'
import type {
  BindingStatus,
  BindOptions,
  Bitcoin,
  Cosmos,
  DeviceInfo,
  Ethereum,
  Interaction,
  Shown,
  Tron,
  USBSourceDevice,
} from '../types/imkey'

/** Settings are the checked options of one call of loadImKey. */
export interface Settings extends Omit<CoreOptions, 'onEvent'> {
  wasmURL: string
  coinsWasmURL: string
  backupWasmURL: string
}

/**
 * openWithin bounds the whole of an open, in milliseconds: the download of imkey.wasm, the locks, the browser and the device. Each step
 * of it has a shorter bound, but a device that sends keep-alives, or a browser that never answers, can add them up without end.
 */
const openWithin = 60_000

/** Session is an open device in a running instance. */
interface Session {
  instance: Instance
  core: CoreDevice
}

/** Coin is the name of a coin's object. */
type Coin = 'ethereum' | 'tron' | 'cosmos' | 'bitcoin'

export class Device extends EventTarget {
  readonly #usb: USBSourceDevice
  readonly #settings: Settings
  #opened = false // what the caller asked for: an instance that stops does not change it
  #session: Promise<Session> | undefined
  #opening: { takeOver: boolean; controller: AbortController } | undefined // how that session was opened
  #ended: 'taken-over' | 'device-changed' | undefined // why a device that the caller opened and did not close is not open any more
  #shown: Shown | undefined // what the caller may have shown of the device: no other one is opened in its place
  #closes = 0 // how often close was called: tells what began before a close from what began after it
  #closing: Promise<void> = Promise.resolve()
  #coins: 0 | 1 = 0 // whether it is open, or is opened next, in imkey-coins.wasm
  #moves = 0 // how often it was moved from one module to the other
  readonly #under = new Set<Promise<unknown>>() // the calls under way
  #lost = false // the instance stopped while it held the USB device
  #core: CoreDevice | undefined // of the last open; its info stays valid after a close
  #unplugged = false

  constructor(usb: USBSourceDevice, settings: Settings) {
    super()
    this.#usb = usb
    this.#settings = settings
  }

  get serialNumber(): string | null {
    return this.#usb.serialNumber ?? null
  }

  get opened(): boolean {
    return this.#opened
  }

  get info(): DeviceInfo {
    if (!this.#core) throw invalid('info is known after open()')
    return this.#core.info // read again each time: whether the storage persists is known later than the rest
  }

  readonly ethereum: Ethereum = Object.freeze({
    getAccount: (options) => this.#coin('ethereum', options, (core, given) => core.getAccount(given)),
    signTransaction: (transaction, options) => this.#coin('ethereum', options, (core, given) => core.signTransaction(transaction, given)),
    signMessage: (message, options) => this.#coin('ethereum', options, (core, given) => core.signMessage(message, given)),
    signTypedData: (typedData, options) => this.#coin('ethereum', options, (core, given) => core.signTypedData(typedData, given)),
  } satisfies Ethereum)

  readonly tron: Tron = Object.freeze({
    getAccount: (options) => this.#coin('tron', options, (core, given) => core.getAccount(given)),
    signTransaction: (transaction, options) => this.#coin('tron', options, (core, given) => core.signTransaction(transaction, given)),
    signMessage: (message, options) => this.#coin('tron', options, (core, given) => core.signMessage(message, given)),
    signTypedData: (typedData, options) => this.#coin('tron', options, (core, given) => core.signTypedData(typedData, given)),
  } satisfies Tron)

  readonly cosmos: Cosmos = Object.freeze({
    getAccount: (options) => this.#coin('cosmos', options, (core, given) => core.getAccount(given)),
    signAmino: (document, options) => this.#coin('cosmos', options, (core, given) => core.signAmino(document, given)),
    signDirect: (document, options) => this.#coin('cosmos', options, (core, given) => core.signDirect(document, given)),
  } satisfies Cosmos)

  readonly bitcoin: Bitcoin = Object.freeze({
    getAddress: (options) => this.#coin('bitcoin', options, (core, given) => core.getAddress(given)),
    getExtendedPublicKey: (options) => this.#coin('bitcoin', options, (core, given) => core.getExtendedPublicKey(given)),
    signPsbt: (psbt, options) => this.#coin('bitcoin', options, (core, given) => core.signPsbt(psbt, given)),
    signMessage: (message, options) => this.#coin('bitcoin', options, (core, given) => core.signMessage(message, given)),
  } satisfies Bitcoin)

  async open(options: { signal?: AbortSignal; takeOver?: boolean; resume?: boolean } = {}): Promise<DeviceInfo> {
    const signal = signalOf(options)
    const { takeOver = false, resume = false } = options
    const closes = this.#closes
    try {
      await untilAborted(signal, this.#connect(flag('takeOver', takeOver), flag('resume', resume)))
    } catch (error) {
      if (signal?.aborted) this.close().catch(() => {}) // it may still become open, and then nothing else would close it
      throw error
    }
    if (closes !== this.#closes) throw failure('aborted', 'the device was closed while it was opening', { retryable: true })
    this.#opened = true
    this.#ended = undefined
    return this.info
  }

  close(): Promise<void> {
    const session = this.#session
    this.#opened = false
    this.#ended = undefined
    this.#session = undefined
    this.#closes++
    this.#opening?.controller.abort()
    if (session) this.#release(session)
    return this.#closing
  }

  /** #release closes a session as soon as it is open. The next open waits for it. */
  #release(session: Promise<Session>) {
    this.#closing = session.then(
      ({ instance, core }) => (instance.stopped ? this.#free() : instance.call(() => core.close())),
      () => {}, // it never opened, and the caller of open got the error
    )
  }

  async bindingStatus(options: AcceptOptions = {}): Promise<BindingStatus> {
    const { signal, ...choices } = choicesOf(options)
    return this.#call((core) => core.bindingStatus({ ...(signal && { signal }), ...choices }), signal)
  }

  showBindingCode(): Promise<void> {
    return this.#call((core) => core.showBindingCode())
  }

  async bind(code: string, options: BindOptions = {}): Promise<void> {
    if (typeof code !== 'string') throw invalid('the code is not a string')
    const { signal, ...choices } = choicesOf(options)
    const { rememberCode, newKey, onInteraction } = options
    if (onInteraction !== undefined && typeof onInteraction !== 'function') throw invalid('onInteraction is not a function')
    const told = (event: Event) => onInteraction?.((event as CustomEvent<Interaction>).detail)
    this.addEventListener('interaction', told)
    try {
      await this.#call(
        (core) =>
          core.bind(code, {
            ...(signal && { signal }),
            ...choices,
            ...(rememberCode !== undefined && { rememberCode: flag('rememberCode', rememberCode) }),
            ...(newKey !== undefined && { newKey: flag('newKey', newKey) }),
          }),
        signal,
      )
    } finally {
      this.removeEventListener('interaction', told)
    }
  }

  async revealBindingCode(options: AcceptOptions = {}): Promise<string> {
    const { signal, ...choices } = choicesOf(options)
    return this.#call((core) => core.revealBindingCode({ ...(signal && { signal }), ...choices }), signal)
  }

  async forget(options: { shown?: Shown } = {}): Promise<void> {
    const shown = shownOf(options)
    return this.#call((core) => core.forget(shown))
  }

  /** #coin makes a call for a coin with a copy of its options, since the device may have to be opened first. */
  async #coin<C extends Coin, O extends { signal?: AbortSignal; shown?: Shown }, T>(
    coin: C,
    options: O | undefined,
    f: (core: NonNullable<CoreDevice[C]>, options: O | undefined) => Promise<T>,
  ): Promise<T> {
    const given = options && { ...options, ...shownOf(options) }
    return this.#call((core) => f(core[coin]!, given), signalOf(given ?? {}), coin)
  }

  /** isUnplugged says whether the device was unplugged. When it is plugged in again, it is a new object. */
  static isUnplugged(device: Device): boolean {
    return device.#unplugged
  }

  /** unplug notes that the device was unplugged. Both the core and the browser report it; listeners get one event. */
  static unplug(device: Device, detail: object = {}) {
    if (device.#unplugged) return
    device.#unplugged = true
    device.#opened = false
    device.#session = undefined
    device.dispatchEvent(new CustomEvent('disconnect', { detail }))
  }

  /** #over handles the end of a session, which the core reports. */
  #over(detail: { reason?: unknown }) {
    switch (detail.reason) {
      case 'page-hidden': // when the page is active again, the next call opens the device
        this.#session = undefined
        return
      case 'taken-over':
        this.#end('taken-over', detail)
        return
      case 'device-changed': // the next open() reads anew what the device is
        this.#shown = undefined
        this.#end('device-changed', detail)
        return
      default:
        Device.unplug(this, detail)
    }
  }

  /** #end notes that the device is not open any more, although the caller did not close it. */
  #end(reason: 'taken-over' | 'device-changed', detail: object) {
    this.#session = undefined
    this.#opened = false
    this.#ended = reason
    this.dispatchEvent(new CustomEvent('disconnect', { detail }))
  }

  async #call<T>(f: (core: CoreDevice) => Promise<T>, signal?: AbortSignal, coin?: Coin): Promise<T> {
    if (signal?.aborted) throw aborted(signal)
    if (this.#ended === 'device-changed') throw changed()
    if (this.#ended) {
      throw failure('in-use-elsewhere', 'another tab took the device over: open() it again', {
        retryable: true,
        data: { holder: 'tab', reason: 'taken-over' },
      })
    }
    if (!this.#unplugged && !this.#opened) throw invalid('open() the device first')
    let session = await untilAborted(signal, this.#connect())
    if (coin && coin !== 'ethereum' && !session.core[coin]) {
      await untilAborted(signal, Instance.started(this.#settings.coinsWasmURL, 1)) // the device stays where it is if this fails
      this.#move(session)
      session = await untilAborted(signal, this.#connect())
    }
    const { instance, core } = session
    const result = instance.call(() => f(core))
    this.#under.add(result)
    return result.finally(() => this.#under.delete(result))
  }

  /**
   * #move ends a session whose module lacks a coin, when the calls under way have settled. The next one is in imkey-coins.wasm, which can do
   * all that imkey.wasm can, so the device is moved once.
   */
  #move({ instance, core }: Session) {
    if (this.#coins) return // another call has moved it
    this.#coins = 1
    this.#moves++
    this.#session = undefined
    this.#closing = Promise.allSettled(this.#under).then(() => (instance.stopped ? this.#free() : instance.call(() => core.close())))
  }

  /**
   * #connect resolves to the session. It opens one if there is none or if its instance stopped. A take-over does not wait for an open
   * that began without one.
   */
  async #connect(takeOver = false, resume = false): Promise<Session> {
    if (this.#unplugged) throw failure('device-disconnected', 'this imKey was unplugged', { retryable: true })
    const before = this.#session
    if (before) {
      const session = takeOver && !this.#opening?.takeOver ? await before.catch(() => undefined) : await before
      if (session && !session.instance.stopped) return session
      if (this.#session === before) {
        this.#session = undefined
        this.#lost = session !== undefined
      }
      return this.#connect(takeOver, resume)
    }
    const starting = this.#start(takeOver, resume)
    this.#session = starting
    try {
      return await starting
    } catch (error) {
      if (this.#session === starting) this.#session = undefined
      throw error
    }
  }

  /** #start opens a session within openWithin. After that, what is still under way is aborted and releases what it gets. */
  async #start(takeOver: boolean, resume: boolean): Promise<Session> {
    const controller = new AbortController()
    this.#opening = { takeOver, controller }
    const session = this.#begin(takeOver, resume, controller.signal)
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#release(session)
        controller.abort()
        reject(failure('timeout', `the device did not open within ${openWithin / 1000} s`, { retryable: true }))
      }, openWithin)
    })
    return Promise.race([session, late]).finally(() => clearTimeout(timer))
  }

  async #begin(takeOver: boolean, resume: boolean, signal: AbortSignal): Promise<Session> {
    const closes = this.#closes
    const moves = this.#moves
    await this.#closing.catch(() => {}) // the caller of close got the error
    const { wasmURL, coinsWasmURL, backupWasmURL: _, ...options } = this.#settings
    const instance = await Instance.started(this.#coins ? coinsWasmURL : wasmURL, this.#coins)
    if (this.#coins && options.store === 'memory') options.store = (await Instance.started(wasmURL)).core.memory
    if (this.#lost) await this.#free()
    const core = await instance
      .call((core) =>
        core.open(this.#usb, {
          ...options,
          ...(this.#shown && { shown: this.#shown }),
          takeOver,
          resume,
          signal,
          onEvent: (name, detail) => {
            if (instance.stopped || closes !== this.#closes || moves !== this.#moves) return
            if (name === 'disconnect') this.#over(detail)
            else this.dispatchEvent(new CustomEvent(name, { detail }))
          },
        }),
      )
      .catch((error: unknown) => {
        this.#lost = instance.stopped
        if ((error as { code?: unknown }).code === 'device-changed') {
          this.#shown = undefined // the next open() reads anew what the device is
          if (this.#opened) this.#end('device-changed', { code: 'device-changed' })
        }
        throw error
      })
    this.#core = core
    this.#shown ??= shownOf({ shown: core.info }).shown
    return { instance, core }
  }

  /** #free closes the USB device that an instance had open when it stopped, so that the next instance finds it as after a reload. */
  async #free(): Promise<void> {
    this.#lost = false
    await (this.#usb as Partial<USBDevice>).close?.().catch(() => {})
  }
}

const changed = () => failure('device-changed', 'open() it again, and show the user what it is')

/** signalOf reads the signal from a call's options. */
export function signalOf(options: { signal?: AbortSignal }): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) throw invalid('the options are not an object')
  const { signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal is not an AbortSignal')
  if (signal?.aborted) throw aborted(signal)
  return signal
}

/** shownOf copies the option shown at once, so that it stays what the user was shown. The module checks the values. */
export function shownOf(options: { shown?: Shown }): { shown?: Shown } {
  if (typeof options !== 'object' || options === null) throw invalid('the options are not an object')
  if (options.shown === undefined) return {}
  const { seid, serial, secureElementKey, certificate, certificateKey } = Object(options.shown) as Shown
  const shown = { seid, serial, secureElementKey, certificate, certificateKey }
  if (Object.values(shown).some((value) => typeof (value ?? '') !== 'string')) throw invalid('shown is not what the user was shown')
  return { shown }
}

/** AcceptOptions are the options that say which device a call may use. */
interface AcceptOptions {
  signal?: AbortSignal
  acceptUnverified?: boolean
  shown?: Shown
}

/** choicesOf reads these options, each once. */
function choicesOf(options: AcceptOptions) {
  const signal = signalOf(options)
  const { acceptUnverified } = options
  return {
    signal,
    ...(acceptUnverified !== undefined && { acceptUnverified: flag('acceptUnverified', acceptUnverified) }),
    ...shownOf(options),
  }
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(`${name} is neither true nor false`)
  return value
}

/** untilAborted settles as the promise does, or rejects if the signal aborts first. It does not stop what the promise stands for. */
export function untilAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(aborted(signal))
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
