import { factsOf, recordOf, sameShown, type DeviceFacts } from '../model/facts'
import { Refused } from '../model/failure'
import type { BindingStatus, Device, KnownDevice, Shown } from '../model/sdk'
import type { Connection } from './connection'
import type { Environment } from './environment'
import type { BoundState, State } from './state'

/** The states of a record of a device that this browser could use before. */
const wasBound: readonly KnownDevice['state'][] = ['bound', 'former', 'imported']

/** Recognition finds out what an open device is and to what it is bound. */
export class Recognition {
  #status: BindingStatus = 'unbound'
  #facts: DeviceFacts | null = null
  /** The device that the user saw last. */
  #shown: Shown | null = null
  /** Whether the device's record keeps the code. It is null if there is no record to read. */
  #codeKept: boolean | null = null
  /** The serial numbers of the devices that were bound when this visit last asked them. */
  readonly #wasBound = new Set<string>()

  constructor(
    private readonly environment: Environment,
    private readonly connection: Connection,
  ) {}

  /** The last answer to the question to what the device is bound. */
  get status(): BindingStatus {
    return this.#status
  }

  /** What the user may know about the device. It is null before a device was recognised. */
  get facts(): DeviceFacts | null {
    return this.#facts
  }

  /** Asks the device to what it is bound. */
  async ask(device: Device): Promise<BindingStatus> {
    this.#status = await device.bindingStatus()
    return this.#status
  }

  /** Accepts the device of an imported binding, which the user saw. */
  async accept(device: Device, shown: Shown): Promise<void> {
    await device.bindingStatus({ acceptUnverified: true, shown })
  }

  /** Returns the state that shows what the open device is. */
  async classify(run: AbortSignal, device: Device): Promise<State> {
    const { info } = device
    this.#compare(info)
    // A certificate that is malformed or belongs to another device is refused before anything else is asked.
    if (info.certificate === 'invalid') throw new Refused('untrusted-device')
    const status = await this.ask(device)
    run.throwIfAborted()
    const record = await recordOf(await this.connection.imkey(), info.seid)
    run.throwIfAborted()
    if (status === 'bound') {
      if (record?.state !== 'imported') return this.bound(run, device, false, false)
      // What the file says about the device does not count. The user accepts it here, or not.
      const facts = await this.look(device)
      run.throwIfAborted()
      return { name: 'unverified', device: facts, imported: true }
    }
    const before = record !== null && wasBound.includes(record.state)
    const facts = await this.look(device)
    run.throwIfAborted()
    if (status === 'bound-elsewhere') {
      this.#wasBound.add(facts.serial)
      return { name: before ? 'rebound' : 'recognised', device: facts }
    }
    return { name: before || this.#wasBound.has(facts.serial) ? 'reset' : 'recognised', device: facts }
  }

  /** Returns the state of a device that is bound to this browser. `fresh`: it was bound just now, with `keep` as the choice. */
  async bound(run: AbortSignal, device: Device, fresh: boolean, keep: boolean): Promise<BoundState> {
    const facts = await this.look(device)
    run.throwIfAborted()
    // A device that turned out to be bound already keeps its code or not, whatever was chosen now.
    const kept = this.#codeKept ?? keep
    this.#wasBound.add(facts.serial)
    return { name: 'bound', device: facts, fresh, kept, persisted: device.info.persisted, plugged: true }
  }

  /** Reads what the user may know about the open device. Without its record, the name and the time of the binding are missing. */
  async look({ info }: Device): Promise<DeviceFacts> {
    const record = await recordOf(await this.connection.imkey(), info.seid).catch(() => null)
    this.#codeKept = record?.codeKept ?? null
    this.#facts = await factsOf(info, record, this.environment.simulator?.cas ?? [])
    this.#shown = this.#facts.shown
    return this.#facts
  }

  /** Forgets what the user saw, because they learn that the device is another one. */
  forgetShown(): void {
    this.#shown = null
  }

  /**
   * Refuses a device that says that it is the one that the user saw, and has another key or standing. The SDK refuses it, too, but
   * does not know a device that was unplugged.
   */
  #compare(info: Shown): void {
    const before = this.#shown
    if (before && (before.seid === info.seid || before.serial === info.serial) && !sameShown(before, info)) {
      throw new Refused('device-changed')
    }
  }
}
