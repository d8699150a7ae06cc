// What the providers of coins share: finding and binding the device in the page, and errors as JSON-RPC has them.

import { bindInDialog, type Device, type ErrorCode, type ImKey, loadImKey, ProviderRpcError } from 'imkey-connect'
import { Turns } from '../provider/turns'
import type { Interaction, LoadOptions, PairingRequest } from '../types/imkey'

/** How a provider gets to its device. */
export interface OpeningOptions {
  load: LoadOptions
  pairing: 'dialog' | 'none' | ((request: PairingRequest) => Promise<unknown>)
  /** Is called when the device is unplugged. */
  gone: () => void
  /** Is called with what the user has to do on the device. */
  onInteraction: ((interaction: Interaction) => void) | undefined
}

/** How long a device stays open for a next call, in milliseconds. */
const hold = 10_000

/** opening returns functions that load the library once, and open and bind the device. */
export function opening({ load, pairing, gone, onInteraction }: OpeningOptions) {
  let imkey: Promise<ImKey> | undefined
  let device: Device | undefined

  const loaded = () =>
    (imkey ??= loadImKey(load).catch((error: unknown) => {
      imkey = undefined
      throw error
    }))

  const turns = new Turns(hold)
  const opened = async (chosen: Device): Promise<unknown> => chosen.opened || chosen.open()

  const asks = ({ detail }: CustomEvent<Interaction>) => onInteraction?.(detail)

  /** found opens the device, if it is not open, and binds it. Only with ask, the chooser and the dialog may open. */
  async function found(ask: boolean, open = opened): Promise<Device> {
    if (device && !ask) {
      await open(device)
      return device
    }
    const key = await loaded()
    const [only, ...others] = await key.getDevices()
    let chosen = others.length === 0 ? only : undefined
    if (!chosen && ask) chosen = await key.requestDevice()
    if (!chosen) throw refused(4900, 'no-device', 'No imKey is plugged in, or there are several. Ask for the accounts again.')
    await open(chosen)
    if ((await chosen.bindingStatus()) !== 'bound') {
      if (!ask || pairing === 'none') throw refused(4100, 'not-bound', 'This imKey is not bound to this site.')
      if (typeof pairing === 'function') await pairing({ imkey: key, device: chosen })
      else if ((await bindInDialog({ imkey: key, device: chosen })) === 'cancelled') {
        throw refused(4001, 'user-rejected', 'Your imKey was not bound, because its dialog was closed.')
      }
    }
    if (chosen === device) return chosen
    const taken = chosen
    taken.addEventListener('interaction', asks)
    taken.addEventListener(
      'disconnect',
      () => {
        if (device !== taken) return
        device = undefined
        gone()
      },
      { once: true },
    )
    device = taken
    return taken
  }

  /**
   * use finds the device and runs a job with it. Jobs wait for one another. The device stays open for a next one for a while, in which another
   * tab, or another object of this page, gets it at once.
   */
  async function use<T>(ask: boolean, run: (device: Device) => Promise<T>): Promise<T> {
    return turns.use(undefined, async () => run(await found(ask, (chosen) => turns.take(chosen, undefined))))
  }

  return { loaded, found, use }
}

const numbers: Partial<Record<ErrorCode, number>> = {
  'user-rejected': 4001,
  'request-cancelled': 4001,
  'not-bound': 4100,
  'bound-elsewhere': 4100,
  'untrusted-device': 4100,
  'permission-denied': 4100,
  'unsupported-method': 4200,
  'no-device': 4900,
  'device-disconnected': 4900,
  'device-busy': -32002,
  'in-use-elsewhere': -32002,
  'invalid-argument': -32602,
}

/** rpcError returns a ProviderRpcError for any error. */
export function rpcError(thrown: unknown): ProviderRpcError {
  if (thrown instanceof ProviderRpcError) return thrown
  const { rpc } = Object(thrown) as { rpc?: { code?: number; reason?: { code: ErrorCode }; data?: unknown } }
  if (rpc) {
    const number = rpc.code ?? numbers[rpc.reason?.code as ErrorCode] ?? -32603
    return new ProviderRpcError(number, (thrown as Error).message, rpc.reason ?? rpc.data, (thrown as Error).cause)
  }
  const { code, message, data, retryable, statusWord } = Object(thrown) as {
    code?: ErrorCode
    message?: string
    data?: { reason?: string }
    retryable?: boolean
    statusWord?: number
  }
  const foreign = data?.reason === 'foreign-from'
  return new ProviderRpcError(
    foreign ? 4100 : (numbers[code!] ?? -32603),
    message ?? String(thrown),
    { ...data, code: code ?? 'internal', retryable: retryable ?? false, ...(statusWord !== undefined && { statusWord }) },
    thrown,
  )
}

export const refused = (number: number, code: ErrorCode, message: string) =>
  new ProviderRpcError(number, message, { code, retryable: false })
export const malformed = (message: string) => refused(-32602, 'invalid-argument', message)
