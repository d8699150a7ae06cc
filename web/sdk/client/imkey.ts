// What a site gets from loadImKey. Everything large is loaded on demand.

import type { BackupCall, BackupOptions } from './backup-call'
import type { Core, RecordOptions } from './core'
import { Device, type Settings, shownOf, signalOf, untilAborted } from './device'
import { fromWebUSB, invalid } from './errors'
import { failInternal, Instance, makeError, notLoaded, onRecordChange } from './instance'
import { isSupported, unsupported } from './support'
import { vendorIds } from './usbids.gen'
import type {
  ImKeyBitcoin,
  ImKeyCosmos,
  ImKeyEthereum,
  ImKeyTron,
  ImportOptions,
  KnownDevice,
  LoadOptions,
  Shown,
  USBSource,
  USBSourceDevice,
} from '../types/imkey'

const isOurs = (usb: USBSourceDevice): boolean => vendorIds.includes(usb.vendorId)

export async function loadImKey(options: LoadOptions = {}): Promise<ImKey> {
  return new ImKey(check(options))
}

export class ImKey extends EventTarget {
  readonly #settings: Settings
  readonly #devices = new WeakMap<USBSourceDevice, Device>()

  constructor(settings: Settings) {
    super()
    this.#settings = settings
    settings.usb.addEventListener('connect', (event: { device: USBSourceDevice }) => {
      if (!isOurs(event.device)) return
      if (globalThis.document?.visibilityState === 'visible') this.#prepare() // the user of this page is likely to use it
      this.dispatchEvent(new CustomEvent('connect', { detail: { device: this.#device(event.device) } }))
    })
    settings.usb.addEventListener('disconnect', (event: { device: USBSourceDevice }) => {
      if (!isOurs(event.device)) return
      const device = this.#devices.get(event.device) ?? this.#device(event.device)
      Device.unplug(device)
      this.dispatchEvent(new CustomEvent('disconnect', { detail: { device } }))
    })
    onRecordChange((store, seid) => {
      if (store === settings.store) this.dispatchEvent(new CustomEvent('knownchange', { detail: { seid } }))
    })
  }

  /** #prepare starts the module before it is needed. The call that needs it reports a failure. */
  #prepare() {
    Instance.started(this.#settings.wasmURL).catch(() => {})
  }

  async getDevices(): Promise<Device[]> {
    try {
      const all = await this.#settings.usb.getDevices()
      return all.filter(isOurs).map((usb) => this.#device(usb))
    } catch (thrown) {
      throw fromWebUSB(thrown, true)
    }
  }

  async requestDevice(options: { signal?: AbortSignal } = {}): Promise<Device> {
    // No await before the chooser: the browser opens it only within the click.
    const signal = signalOf(options)
    const inClick = globalThis.navigator?.userActivation?.isActive
    const { usb } = this.#settings
    try {
      // The navigator.usb of a worker has no requestDevice.
      if (typeof usb.requestDevice !== 'function') throw unsupported('no-page')
      const choice = usb.requestDevice({ filters: vendorIds.map((vendorId) => ({ vendorId })) })
      this.#prepare() // while the user chooses
      return this.#device(await untilAborted(signal, choice))
    } catch (thrown) {
      throw fromWebUSB(thrown, inClick)
    }
  }

  knownDevices(): Promise<KnownDevice[]> {
    return this.#records((core, options) => core.known(options))
  }

  async rename(seid: string, name: string | null, options: { shown?: Shown } = {}): Promise<void> {
    const shown = shownOf(options)
    return this.#records((core, options) => core.rename(seid, name, { ...options, ...shown }))
  }

  async forget(seid: string, options: { shown?: Shown } = {}): Promise<void> {
    const shown = shownOf(options)
    return this.#records((core, options) => core.forget(seid, { ...options, ...shown }))
  }

  readonly ethereum: ImKeyEthereum = Object.freeze({
    describeTransaction: (transaction, options) => this.#describe(0, 'transaction', transaction, options),
    describeMessage: (message) => this.#describe(0, 'message', message),
    describeTypedData: (typedData, options) => this.#describe(0, 'typed-data', typedData, options),
  } satisfies ImKeyEthereum)

  readonly tron: ImKeyTron = Object.freeze({
    describeTransaction: (transaction) => this.#describe(1, 'tron-transaction', transaction),
    describeMessage: (message, options) => this.#describe(1, 'tron-message', message, options),
    describeTypedData: (typedData) => this.#describe(1, 'tron-typed-data', typedData),
  } satisfies ImKeyTron)

  readonly cosmos: ImKeyCosmos = Object.freeze({
    describeAmino: (document, options) => this.#describe(1, 'cosmos-amino', document, options),
    describeDirect: (document, options) => this.#describe(1, 'cosmos-direct', document, options),
  } satisfies ImKeyCosmos)

  readonly bitcoin: ImKeyBitcoin = Object.freeze({
    describeAddress: (address, options) => this.#describe(1, 'bitcoin-address', address, options),
    describePsbt: (psbt, options) => this.#describe(1, 'bitcoin-psbt', psbt, options),
  } satisfies ImKeyBitcoin)

  async #describe(coins: 0 | 1, ...request: Parameters<Core['describe']>) {
    const { wasmURL, coinsWasmURL } = this.#settings
    return (await Instance.started(coins ? coinsWasmURL : wasmURL, coins)).call((core) => core.describe(...request))
  }

  async exportBinding(seid: string, passphrase: string, options: { signal?: AbortSignal; shown?: Shown } = {}): Promise<Uint8Array> {
    const signal = signalOf(options)
    const shown = shownOf(options)
    checkTexts({ seid, passphrase })
    return untilAborted(
      signal,
      this.#backup((store) => ({
        method: 'exportBinding',
        args: [seid, passphrase, { ...store, ...shown, ...(signal && { signal }) }],
      })) as Promise<Uint8Array>,
    )
  }

  async importBinding(file: Uint8Array, passphrase: string, options: ImportOptions = {}): Promise<KnownDevice> {
    const signal = signalOf(options)
    const { seid, serial, replace = false } = options
    const only = { ...(seid !== undefined && { seid }), ...(serial !== undefined && { serial }) }
    checkTexts({ passphrase, ...only })
    if (!(file instanceof Uint8Array)) throw invalid('the file is not a Uint8Array: pass new Uint8Array(await file.arrayBuffer())')
    if (typeof replace !== 'boolean') throw invalid('replace is neither true nor false')
    // The signal does not end the wait: only the module knows whether the record was written.
    const known = (await this.#backup((store) => ({
      method: 'importBinding',
      args: [file, passphrase, { ...store, replace, ...only, ...(signal && { signal }) }],
    }))) as KnownDevice
    await this.#records((core, options) => core.reread(known.seid, options))
    return known
  }

  /** #backup makes a call of imkey-backup.wasm, which shares nothing with imkey.wasm but the store. */
  async #backup(call: (store: BackupOptions) => BackupCall) {
    const { backupWasmURL, wasmURL, store } = this.#settings
    const { core } = await Instance.started(wasmURL)
    const { perform } = await import('./backup').catch(notLoaded)
    return perform(
      { wasmURL: backupWasmURL, fail: failInternal, makeError },
      call({ store, ...(store === 'memory' && { memory: core.memory }) }),
      () => new Worker(new URL('./imkey-backup.js', import.meta.url), { type: 'module' }),
    )
  }

  async #records<T>(f: (core: Core, options: RecordOptions) => Promise<T>): Promise<T> {
    const { wasmURL, store } = this.#settings
    return (await Instance.started(wasmURL)).call((core) => f(core, { store }))
  }

  /** #device gives the one Device of a USBDevice, so that listeners stay on it between calls. */
  #device(usb: USBSourceDevice): Device {
    let device = this.#devices.get(usb)
    if (!device || Device.isUnplugged(device)) {
      device = new Device(usb, this.#settings)
      this.#devices.set(usb, device)
    }
    return device
  }
}

function check(options: LoadOptions): Settings {
  if (typeof options !== 'object' || options === null) throw invalid('the options are not an object')
  const {
    wasmURL = beside().wasm,
    coinsWasmURL = beside().coins,
    backupWasmURL = beside().backup,
    usb,
    store = 'indexeddb',
    trustedCAs,
  } = options
  const flags = { allowUnverified: options.allowUnverified ?? false, rememberCode: options.rememberCode ?? true }

  for (const [name, url] of Object.entries({ wasmURL, coinsWasmURL, backupWasmURL })) {
    if (typeof url !== 'string' && !(url instanceof URL)) throw invalid(`${name} is neither a string nor a URL`)
  }
  if (usb !== undefined && !has(usb, 'getDevices', 'addEventListener', 'removeEventListener')) {
    throw invalid('usb is not an object like navigator.usb')
  }
  if (store !== 'indexeddb' && store !== 'memory' && !has(store, 'get', 'put', 'delete', 'list')) {
    throw invalid("store is neither 'indexeddb' nor 'memory' nor an object with get, put, delete and list")
  }
  if (trustedCAs !== undefined && !(Array.isArray(trustedCAs) && trustedCAs.every(isKey))) {
    throw invalid('trustedCAs is not an array of keys, each of 130 hex digits that begin with 04')
  }
  for (const [name, value] of Object.entries(flags)) {
    if (typeof value !== 'boolean') throw invalid(`${name} is neither true nor false`)
  }
  return {
    wasmURL: String(wasmURL),
    coinsWasmURL: String(coinsWasmURL),
    backupWasmURL: String(backupWasmURL),
    usb: usb ?? browserUSB(),
    store,
    ...(trustedCAs && { trustedCAs: [...trustedCAs] }),
    ...flags,
  }
}

function checkTexts(texts: Record<string, unknown>) {
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text !== 'string') throw invalid(`the ${name} is not a string`)
  }
}

function beside() {
  // Bundlers recognise this form. Up to version 7, Vite does not in packages that it pre-bundles in development.
  const place = ({ href }: URL) => href.replace('/node_modules/.vite/deps/', '/node_modules/imkey-connect/')
  return {
    wasm: place(new URL('./imkey.wasm', import.meta.url)),
    coins: place(new URL('./imkey-coins.wasm', import.meta.url)),
    backup: place(new URL('./imkey-backup.wasm', import.meta.url)),
  }
}

function browserUSB(): USBSource {
  const { reason } = isSupported()
  if (reason !== undefined) throw unsupported(reason)
  return navigator.usb
}

function has(object: unknown, ...methods: string[]): boolean {
  return (
    typeof object === 'object' &&
    object !== null &&
    methods.every((name) => typeof (object as Record<string, unknown>)[name] === 'function')
  )
}

function isKey(key: unknown): boolean {
  return typeof key === 'string' && /^04[0-9a-f]{128}$/i.test(key)
}
