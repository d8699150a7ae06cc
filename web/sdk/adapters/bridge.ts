// The device for other parts of an extension: a document that can use WebUSB, such as an offscreen document, serves it over ports of
// chrome.runtime. A port is one request. When it is gone, because its service worker was stopped, the device is told to cancel.

import { type Device, type ErrorCode, ImKeyError, type ImKey, loadImKey } from 'imkey-connect'
import { standing } from '../provider/standing'
import type { Bridge, BridgeOptions, BridgeState, Extension, ExtensionPort, Serving } from '../types/keyring'

/** The name of the ports, with the version of the messages. */
const portName = 'imkey-connect bridge 1'

type Method = keyof Omit<Bridge, never>
const methods: readonly Method[] = ['getState', 'getAddresses', 'signTransaction', 'signMessage', 'signTypedData', 'forget']

/** The answer to a request. An error is data, so that no program has to read its message. */
type Answer =
  | { readonly result: unknown }
  | {
      readonly error: {
        readonly code: ErrorCode
        readonly message: string
        readonly retryable: boolean
        readonly statusWord?: number
        readonly data?: Readonly<Record<string, unknown>>
      }
    }

const fail = (code: ErrorCode, message: string, reason?: string, retryable = false) =>
  new ImKeyError(code, message, { retryable, ...(reason !== undefined && { data: { reason } }) })

/** localBridge uses the device from this document. Requests wait for one another, and the device is released after each. */
export function localBridge(options: BridgeOptions = {}): Bridge {
  let imkey: Promise<ImKey> | undefined
  let last: Promise<unknown> = Promise.resolve()

  const load = () =>
    (imkey ??= loadImKey(options).catch((thrown: unknown) => {
      imkey = undefined
      throw thrown
    }))

  /** find gives the device with that serial number, or the only one. */
  async function find(serial: string | undefined): Promise<Device | undefined> {
    const devices = await (await load()).getDevices()
    const found = serial === undefined ? devices : devices.filter((device) => device.serialNumber === serial)
    if (found.length > 1)
      throw fail('device-mismatch', 'Several imKeys are plugged in. Leave only one plugged in, then try again.', 'several')
    return found[0]
  }

  function use<T>(serial: string | undefined, signal: AbortSignal | undefined, work: (device: Device) => Promise<T>): Promise<T> {
    const turn = async () => {
      signal?.throwIfAborted()
      const device = await find(serial)
      if (!device) throw fail('no-device', 'No imKey is plugged in. Plug it in and wake it with a button, then try again.', undefined, true)
      try {
        await device.open({ ...(signal && { signal }) })
        return await work(device)
      } finally {
        await device.close().catch(() => {}) // it was unplugged, or is released all the same
      }
    }
    const done = last.then(turn)
    last = done.catch(() => {})
    return done.catch((thrown: unknown) => {
      if (signal?.aborted && !(thrown instanceof ImKeyError)) throw fail('aborted', 'The request was aborted. Try again.', undefined, true)
      throw thrown
    })
  }

  const sign = (path: string, from: string | undefined, signal: AbortSignal | undefined) => ({
    path,
    ...standing,
    ...(from !== undefined && { from }),
    ...(signal && { signal }),
  })

  return {
    async getState({ serial, signal } = {}) {
      try {
        return await use(serial, signal, async (device): Promise<BridgeState> => {
          const status = await device.bindingStatus({ acceptUnverified: true, ...(signal && { signal }) })
          return { state: status === 'bound' ? 'unlocked' : status, serial: device.serialNumber ?? device.info.serial }
        })
      } catch (thrown) {
        const { code } = Object(thrown) as { code?: unknown }
        if (code === 'no-device') return { state: 'unplugged' }
        if (code === 'locked') return { state: 'locked' }
        throw thrown
      }
    },
    getAddresses: ({ paths, verify, serial, signal }) =>
      use(serial, signal, async (device) => {
        const accounts = []
        for (const path of paths) {
          const { address, publicKey } = await device.ethereum.getAccount({ ...sign(path, undefined, signal), ...(verify && { verify }) })
          accounts.push({ path, address, publicKey })
        }
        return { serial: device.serialNumber ?? device.info.serial, accounts }
      }),
    signTransaction: ({ path, from, transaction, serial, signal }) =>
      use(serial, signal, async ({ ethereum }) => {
        const { raw, hash, r, s, yParity, v } = await ethereum.signTransaction(transaction, sign(path, from, signal))
        return { raw, hash, r, s, yParity, ...(v !== undefined && { v }) }
      }),
    signMessage: ({ path, from, message, serial, signal }) =>
      use(serial, signal, async ({ ethereum }) => (await ethereum.signMessage(bytesOf(message), sign(path, from, signal))).signature),
    signTypedData: ({ path, from, typedData, version, serial, signal }) =>
      use(
        serial,
        signal,
        async ({ ethereum }) => (await ethereum.signTypedData(typedData, { ...sign(path, from, signal), version })).signature,
      ),
    async forget({ serial } = {}) {
      const imkey = await load()
      for (const known of await imkey.knownDevices()) {
        if (serial === undefined || known.serial === serial || !known.serial) await imkey.forget(known.seid)
      }
    },
  }
}

function bytesOf(message: string): Uint8Array {
  if (!/^0x([0-9a-f]{2})*$/i.test(message)) throw fail('invalid-argument', 'The message is not in hex: 0x and two digits for each byte.')
  return Uint8Array.from(message.slice(2).match(/../g) ?? [], (byte) => parseInt(byte, 16))
}

const runtime = (given: Extension | undefined): Extension => {
  const found = given ?? (globalThis as { chrome?: { runtime?: Extension } }).chrome?.runtime
  if (!found?.id) throw fail('unsupported', 'This is no page or worker of an extension.', 'no-extension')
  return found
}

/** serveBridge answers the requests of this extension's other parts, until stop is called. */
export function serveBridge(options: BridgeOptions & { runtime?: Extension; bridge?: Bridge } = {}): Serving {
  const { runtime: given, bridge: own, ...load } = options
  const extension = runtime(given)
  const bridge = own ?? localBridge(load)
  const origin = extension.getURL('').replace(/\/+$/, '')

  const connected = (port: ExtensionPort) => {
    if (port.name !== portName) return
    // Content scripts have the extension's id, too. Their address is that of the web page.
    const { id, url, origin: said } = port.sender ?? {}
    if (id !== extension.id || (said ?? origin) !== origin || !url?.startsWith(`${origin}/`)) return port.disconnect()
    const gone = new AbortController()
    port.onDisconnect.addListener(() => gone.abort())
    port.onMessage.addListener((message: unknown) => {
      void answered(bridge, message, gone.signal).then((answer) => {
        if (!gone.signal.aborted) port.postMessage(answer)
      })
    })
  }
  extension.onConnect.addListener(connected)
  return { stop: () => extension.onConnect.removeListener(connected) }
}

async function answered(bridge: Bridge, message: unknown, signal: AbortSignal): Promise<Answer> {
  try {
    const { method, params } = Object(message) as { method?: unknown; params?: unknown }
    if (!methods.includes(method as Method)) throw fail('unsupported-method', 'This method does not exist here.')
    const call = bridge[method as Method] as (params: object) => Promise<unknown>
    return { result: (await call({ ...Object(params), signal })) ?? null }
  } catch (thrown) {
    const { code, message, retryable, statusWord, data } =
      thrown instanceof ImKeyError ? thrown : fail('internal', `This is a bug: ${String(Object(thrown).message ?? thrown)}`)
    return { error: { code, message, retryable, ...(statusWord !== undefined && { statusWord }), ...(data && { data }) } }
  }
}

/** connectBridge gives the bridge that another document of this extension serves. prepare makes sure that the document is there. */
export function connectBridge({ runtime: given, prepare }: { runtime?: Extension; prepare?: () => Promise<unknown> } = {}): Bridge {
  const extension = runtime(given)

  async function request(method: Method, { signal, ...params }: { signal?: AbortSignal | undefined } = {}): Promise<unknown> {
    const aborted = () => fail('aborted', 'The request was aborted. Try again.', undefined, true)
    if (signal?.aborted) throw aborted()
    await prepare?.()
    const port = extension.connect({ name: portName })
    const answer = await new Promise<Answer>((resolve, reject) => {
      const stop = () => {
        port.disconnect()
        reject(aborted())
      }
      signal?.addEventListener('abort', stop, { once: true })
      port.onMessage.addListener((message) => {
        signal?.removeEventListener('abort', stop)
        resolve(message as Answer)
      })
      port.onDisconnect.addListener(() => {
        void extension.lastError // Chrome logs an error that no one reads
        signal?.removeEventListener('abort', stop)
        reject(fail('internal', 'The document that uses the imKey is not there or was closed. Try again.', 'bridge-gone', true))
      })
      port.postMessage({ method, params })
    }).finally(() => port.disconnect())
    if ('result' in answer) return answer.result
    const { code, message, ...details } = answer.error
    throw new ImKeyError(code, message, details)
  }

  return Object.fromEntries(methods.map((method) => [method, (options?: object) => request(method, options)])) as unknown as Bridge
}
