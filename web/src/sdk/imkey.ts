// The SDK's entry: what a site imports. Everything heavy behind it is loaded on demand.

import { Device, type Settings, signalOf, untilAborted } from './device'
import { fromWebUSB, invalid } from './errors'
import { Instance } from './instance'
import { isSupported, unsupported } from './support'
import { makeProvider } from '../provider/provider'
import type { LoadOptions, Provider, ProviderOptions, Store, USBSource, USBSourceDevice } from './types/imkey'

export type {
  Account, BindingStatus, BindOptions, ChainOptions, DeviceEventMap, DeviceInfo, ErrorCode, ErrorDetails, Ethereum,
  ImKeyEventMap, Interaction, LoadOptions, PairingRequest, Provider, ProviderEventMap, ProviderInfo, ProviderInteraction,
  ProviderMessage, ProviderOptions, Quantity, SignedMessage, SignedTransaction, SignOptions, Store, TransactionOptions,
  TransactionRequest, TypedData, UnsupportedReason, USBSource, USBSourceDevice,
} from './types/imkey'
export { announceProvider } from '../provider/announce'
export { ProviderRpcError } from '../provider/errors'
export { ImKeyError } from './errors'
export { Device, ImKey, isSupported }

const vendorId = 0x096e

export async function loadImKey(options: LoadOptions = {}): Promise<ImKey> {
  return new ImKey(check(options))
}

export function createProvider(options: ProviderOptions): Provider {
  return makeProvider(options, loadImKey)
}

class ImKey extends EventTarget {
  readonly #settings: Settings
  readonly #devices = new WeakMap<USBSourceDevice, Device>()

  constructor(settings: Settings) {
    super()
    this.#settings = settings
    settings.usb.addEventListener('connect', (event: { device: USBSourceDevice }) => {
      if (event.device.vendorId !== vendorId) return
      this.dispatchEvent(new CustomEvent('connect', { detail: { device: this.#device(event.device) } }))
    })
    settings.usb.addEventListener('disconnect', (event: { device: USBSourceDevice }) => {
      if (event.device.vendorId !== vendorId) return
      const device = this.#devices.get(event.device) ?? this.#device(event.device)
      Device.unplug(device)
      this.dispatchEvent(new CustomEvent('disconnect', { detail: { device } }))
    })
  }

  async getDevices(): Promise<Device[]> {
    try {
      const all = await this.#settings.usb.getDevices()
      return all.filter(usb => usb.vendorId === vendorId).map(usb => this.#device(usb))
    } catch (thrown) {
      throw fromWebUSB(thrown, true)
    }
  }

  async requestDevice(options: { signal?: AbortSignal } = {}): Promise<Device> {
    // Nothing may be awaited before the chooser is asked for: the browser opens it only within the click.
    const signal = signalOf(options)
    const inClick = globalThis.navigator?.userActivation?.isActive ?? true
    try {
      const choice = this.#settings.usb.requestDevice({ filters: [{ vendorId }] })
      Instance.started(this.#settings.wasmURL).catch(() => {}) // while the person looks; open() tells if it failed
      return this.#device(await untilAborted(signal, choice))
    } catch (thrown) {
      throw fromWebUSB(thrown, inClick)
    }
  }

  /** #device gives the one Device of a USBDevice, so that listeners stay where they are between calls. */
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
  if (typeof options !== 'object' || options === null) throw invalid('the options are no object')
  const { wasmURL = besideThis(), usb, store = 'indexeddb', trustedCAs } = options
  const flags = { allowUnverified: options.allowUnverified ?? false, rememberCode: options.rememberCode ?? false }

  if (typeof wasmURL !== 'string' && !(wasmURL instanceof URL)) throw invalid('wasmURL is neither a string nor a URL')
  if (usb !== undefined && !has(usb, 'getDevices', 'requestDevice', 'addEventListener', 'removeEventListener')) {
    throw invalid('usb is no object like navigator.usb')
  }
  if (store !== 'indexeddb' && store !== 'memory' && !has(store, 'get', 'put', 'delete', 'list')) {
    throw invalid("store is neither 'indexeddb' nor 'memory' nor an object with get, put, delete and list")
  }
  if (trustedCAs !== undefined && !(Array.isArray(trustedCAs) && trustedCAs.every(isKey))) {
    throw invalid('trustedCAs is no array of keys, each of 130 hex digits that begin with 04')
  }
  for (const [name, value] of Object.entries(flags)) {
    if (typeof value !== 'boolean') throw invalid(`${name} is neither true nor false`)
  }
  return {
    wasmURL: String(wasmURL),
    usb: usb ?? browserUSB(),
    store: store as 'indexeddb' | 'memory' | Store,
    ...(trustedCAs && { trustedCAs: [...trustedCAs] }),
    ...flags,
  }
}

function besideThis(): string {
  // The form that bundlers know. Vite up to 7 does not, in what it bundles of packages while developing.
  return new URL('./imkey.wasm', import.meta.url).href.replace('/node_modules/.vite/deps/', '/node_modules/imkey-connect/')
}

function browserUSB(): USBSource {
  const { reason } = isSupported()
  if (reason !== undefined) throw unsupported(reason)
  return navigator.usb as unknown as USBSource
}

function has(object: unknown, ...methods: string[]): boolean {
  return typeof object === 'object' && object !== null
    && methods.every(name => typeof (object as Record<string, unknown>)[name] === 'function')
}

function isKey(key: unknown): boolean {
  return typeof key === 'string' && /^04[0-9a-f]{128}$/i.test(key)
}
