import { Refused } from '../model/failure'
import type { Device, ImKey } from '../model/sdk'
import type { Connection } from './connection'
import type { Environment, Simulator } from './environment'
import type { Recognition } from './recognition'
import type { Visit } from './visit'

/** Choosing finds the device to use: the only one, one of several, one from the browser's chooser, or the simulated one. */
export class Choosing {
  /** The devices of the state `several`. */
  #choices: readonly Device[] = []

  constructor(
    private readonly environment: Environment,
    private readonly connection: Connection,
    private readonly recognition: Recognition,
    private readonly visit: Visit,
  ) {}

  connect(): Promise<void> {
    return this.visit.start(async (run) => {
      const { given } = this.connection
      if (given) return this.visit.recognise(run, given)
      const imkey = await this.connection.imkey()
      const permitted = await this.connection.permitted(imkey)
      run.throwIfAborted()
      const [only] = permitted
      if (only !== undefined && permitted.length === 1) await this.visit.recognise(run, only)
      else if (this.environment.given) throw new Refused('device-disconnected')
      else if (only !== undefined) await this.#offer(run, imkey, permitted)
      else await this.#choose(run, imkey)
    })
  }

  connectTo(serial: string): Promise<void> {
    return this.visit.start(async (run) => {
      const imkey = await this.connection.imkey()
      const permitted = await this.connection.permitted(imkey)
      run.throwIfAborted()
      const device = permitted.find(({ serialNumber }) => serialNumber === serial)
      const { simulator } = this.environment
      if (device) await this.visit.recognise(run, device)
      else if (simulator?.serial === serial) await this.#simulated(run, simulator)
      else await this.#choose(run, imkey)
    })
  }

  connectSimulated(): Promise<void> {
    const { simulator } = this.environment
    return simulator ? this.visit.start((run) => this.#simulated(run, simulator)) : Promise.resolve()
  }

  pick(place: number): Promise<void> {
    const device = this.#choices[place]
    if (this.visit.state.name !== 'several' || !device) return Promise.resolve()
    return this.visit.start((run) => this.visit.recognise(run, device))
  }

  another(): Promise<void> {
    return this.visit.start(async (run) => {
      this.connection.release()
      await this.#choose(run, await this.connection.imkey())
    })
  }

  takeOver(): Promise<void> {
    const { state, wanted } = this.visit
    if (!wanted || (state.name !== 'in-use' && state.name !== 'taken-over')) return Promise.resolve()
    return this.visit.start((run) => this.visit.recognise(run, wanted, true))
  }

  /** Follows a device that was plugged in (true) or unplugged (false), in the states that say that the page does so. */
  plugged(came: boolean): void {
    const { state } = this.visit
    if (state.name === 'several') void this.#offerAgain()
    if (!came) return
    const gone = state.name === 'error' && state.code === 'device-disconnected'
    if (gone || (state.name === 'bound' && !state.plugged)) void this.#reconnect()
  }

  async #simulated(run: AbortSignal, simulator: Simulator): Promise<void> {
    const usb = await simulator.usb()
    run.throwIfAborted()
    this.connection.useUSB(usb)
    const imkey = await this.connection.imkey()
    const permitted = await imkey.getDevices()
    run.throwIfAborted()
    await this.visit.recognise(run, permitted[0] ?? (await imkey.requestDevice({ signal: run })))
  }

  async #choose(run: AbortSignal, imkey: ImKey): Promise<void> {
    this.visit.set(run, { name: 'choosing' })
    const device = await imkey.requestDevice({ signal: run })
    run.throwIfAborted()
    await this.visit.recognise(run, device)
  }

  async #offer(run: AbortSignal, imkey: ImKey, permitted: readonly Device[]): Promise<void> {
    // Without the records, the user can still choose by the serial numbers. The chosen device's screen says what is wrong with the storage.
    const records = await imkey.knownDevices().catch(() => null)
    const { legible, shownName } = await import('../model/names') // the serial number is a text of the device
    run.throwIfAborted()
    this.#choices = permitted
    this.visit.set(run, {
      name: 'several',
      choices: permitted.map(({ serialNumber: serial }) => {
        // A device is not opened yet, and several can have one serial number. Then nothing tells which one the record is of.
        const same = permitted.filter(({ serialNumber }) => serialNumber === serial)
        const [record, another] = (records ?? []).filter((record) => serial !== null && same.length === 1 && record.serial === serial)
        const known = another ? undefined : record
        const called = known?.name == null ? null : shownName(known.name)
        return { serial: serial && legible(serial), called, known: records && known?.state === 'bound' }
      }),
    })
  }

  #offerAgain(): Promise<void> {
    return this.visit.start(async (run) => {
      const imkey = await this.connection.imkey()
      const permitted = await this.connection.permitted(imkey)
      run.throwIfAborted()
      if (permitted.length > 0) await this.#offer(run, imkey, permitted)
      else this.visit.set(run, { name: 'start' })
    })
  }

  #reconnect(): Promise<void> {
    return this.visit.start(async (run) => {
      const permitted = await this.connection.permitted(await this.connection.imkey())
      run.throwIfAborted()
      const serial = this.recognition.facts?.serial
      const same = permitted.find(({ serialNumber }) => serialNumber !== null && serialNumber === serial)
      const device = same ?? (permitted.length === 1 ? permitted[0] : undefined)
      if (device) await this.visit.recognise(run, device)
    })
  }
}
