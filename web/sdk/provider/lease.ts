import type { Device, Interaction, PairingRequest } from '../types/imkey'
import { identityOf, type Open } from './accounts'
import { type Call, unlessAborted } from './call'
import { openDialog } from './dialog'
import type { Host } from './host'
import { abortedByCaller } from './refusal'
import { Turns } from './turns'

/** Job is the work of one turn with a device, and its options. */
interface Job<T> {
  /** find gives the device. It is called when the turn comes. It may open devices to tell which one it is. */
  readonly find: (open: Open) => Promise<Device>
  readonly run: (device: Device) => Promise<T>
  /** mayPair is false where the user must not be asked for the binding code. */
  readonly mayPair: boolean
}

/** Lease gives the jobs of one site their turn with a device. It pairs a device that is not bound, and tells the site what the user has to do. */
export class Lease {
  readonly #host: Host
  readonly #lost: (device: Device) => void
  readonly #turns: Turns

  /** lost is called for a device that turned out not to be connected any more. */
  constructor(host: Host, lost: (device: Device) => void) {
    this.#host = host
    this.#lost = lost
    this.#turns = host.turns ?? new Turns(host.settings.holdDevice)
  }

  /** use runs a job when its turn comes. A call whose signal aborts before that leaves the queue at once. */
  use<T>(call: Call, job: Job<T>): Promise<T> {
    const { signal } = call
    return this.#turns.use(signal, async () => {
      const device = await job.find((device) => this.#turns.take(device, signal))
      return this.#run(device, call, job)
    })
  }

  async #run<T>(device: Device, call: Call, job: Job<T>): Promise<T> {
    const { run, mayPair } = job
    const { signal, method, signIn } = call
    const told = (event: CustomEvent<Interaction>) => {
      const { replaces } = call // known once the transaction has its turn
      this.#host.emit('interaction', { ...event.detail, method, ...(replaces !== undefined && { replaces }), ...(signIn && { signIn }) })
    }
    device.addEventListener('interaction', told)
    try {
      await this.#turns.take(device, signal)
      try {
        return await run(device)
      } catch (error) {
        if (!mayPair || !needsBinding(error)) throw error
        const bound = await this.#pair(device, call, error)
        return bound === device ? await run(device) : await this.#run(bound, call, { ...job, mayPair: false })
      }
    } catch (error) {
      // Not only unplugging ends a connection: the user may have revoked the permission, or another device answers in its place.
      if (['device-disconnected', 'device-changed'].includes(codeOf(error) as string) || reasonOf(error) === 'revoked') this.#lost(device)
      if (reasonOf(error) === 'taken-over') this.#turns.lost(device)
      throw error
    } finally {
      device.removeEventListener('interaction', told)
    }
  }

  /** #pair lets the user bind the device. It gives the device to go on with: one that was plugged in again meanwhile is another object. */
  async #pair(device: Device, { method, signal }: Call, error: unknown): Promise<Device> {
    const {
      pairing,
      load: { rememberCode },
    } = this.#host.settings
    if (pairing === 'none') throw error
    const request: PairingRequest = { imkey: await this.#host.imkey(), device, ...(signal && { signal }) }
    await this.#host
      .prompt('pair', method, () =>
        pairing === 'dialog'
          ? openDialog(this.#host.loadDialog, { ...request, ...(rememberCode !== undefined && { rememberCode }) }) // the device is idle when it settles
          : unlessAborted(signal, pairing(request)),
      )
      .catch((thrown: unknown) => {
        throw signal?.aborted ? abortedByCaller(signal) : thrown
      })
    if (device.opened) return device
    try {
      await device.open({ ...(signal && { signal }) })
      return device
    } catch (thrown) {
      if (codeOf(thrown) !== 'device-disconnected') throw thrown
      return await this.#again(device, signal, thrown)
    }
  }

  /** #again gives the device that was plugged in again in place of one that was open. It has the same key. It throws the error if there is none. */
  async #again(device: Device, signal: AbortSignal | undefined, error: unknown): Promise<Device> {
    const { serialNumber, info } = device
    for (const each of await (await this.#host.imkey()).getDevices()) {
      if (each !== device && each.serialNumber === serialNumber && identityOf(await this.#turns.take(each, signal)) === identityOf(info))
        return each
    }
    throw error
  }
}

const reasonOf = (error: unknown) => (Object(error) as { data?: { reason?: unknown } }).data?.reason

const codeOf = (error: unknown) => (Object(error) as { code?: unknown }).code

/**
 * needsBinding says whether the dialog can help: by the code, for a damaged record by forgetting it first, and for an imported one by
 * asking the user whether to accept the device.
 */
const needsBinding = (error: unknown) =>
  ['not-bound', 'bound-elsewhere', 'record-corrupt', 'device-mismatch'].includes(codeOf(error) as string) || reasonOf(error) === 'imported'
