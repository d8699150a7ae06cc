import type { ManagementOutcome } from '../model/facts'
import type { ImKey, Shown } from '../model/sdk'
import { BindingActions } from './binding-actions'
import { Choosing } from './choosing'
import { CodeEntry } from './code-entry'
import { Connection } from './connection'
import type { Environment } from './environment'
import { Recognition } from './recognition'
import type { State } from './state'
import { Visit } from './visit'

/**
 * Pairing drives the states of one visit, from the press of a button to the binding, and what can be done with the binding
 * afterwards. A method that does not fit the state does nothing. The code passes through submit into the SDK and is kept
 * nowhere.
 */
export class Pairing {
  readonly #connection: Connection
  readonly #recognition: Recognition
  readonly #visit: Visit
  readonly #choosing: Choosing
  readonly #codeEntry: CodeEntry
  readonly #actions: BindingActions

  /** onState is called with every state that is to be shown, but not with the first one. */
  constructor(environment: Environment, onState: (state: State) => void) {
    this.#connection = new Connection(environment, {
      plugged: (came) => this.#choosing.plugged(came),
      lost: (detail) => this.#visit.lost(detail),
    })
    this.#recognition = new Recognition(environment, this.#connection)
    this.#visit = new Visit(environment, this.#connection, this.#recognition, onState)
    const parts = [environment, this.#connection, this.#recognition, this.#visit] as const
    this.#choosing = new Choosing(...parts)
    this.#codeEntry = new CodeEntry(...parts)
    this.#actions = new BindingActions(...parts)
  }

  get state(): State {
    return this.#visit.state
  }

  /** The open device as the user saw it. It is null while none is open. */
  get shown(): Shown | null {
    const { facts } = this.#recognition
    return facts && this.#connection.device ? facts.shown : null
  }

  /** Loads the SDK. It asks for no permission and touches no device. */
  imkey(): Promise<ImKey> {
    return this.#connection.imkey()
  }

  /**
   * Connects to the only imKey that this page may use. If there are several, the user picks one. If there is none, the
   * browser's chooser opens. Call it in a click, unless the device was given: then there is nothing to choose.
   */
  connect(): Promise<void> {
    return this.#choosing.connect()
  }

  /**
   * Connects to the device with this serial number. If this page may not use it yet, the browser's chooser opens. It never
   * lists the simulated device. Call it in a click.
   */
  connectTo(serial: string): Promise<void> {
    return this.#choosing.connectTo(serial)
  }

  /** Connects to the simulated device over a WebSocket, in place of the browser's USB. */
  connectSimulated(): Promise<void> {
    return this.#choosing.connectSimulated()
  }

  /** Takes one of several devices, by its place in the list. */
  pick(place: number): Promise<void> {
    return this.#choosing.pick(place)
  }

  /** Opens the chooser even though a device is known. Call it in a click. */
  another(): Promise<void> {
    return this.#choosing.another()
  }

  /** Takes the device over from another tab. */
  takeOver(): Promise<void> {
    return this.#choosing.takeOver()
  }

  /** Tries again from the beginning, with the device that is plugged in. */
  retry(): Promise<void> {
    return this.#choosing.connect()
  }

  /** Goes on from a recognised device, or from a warning. */
  goOn(): Promise<void> {
    return this.#codeEntry.goOn()
  }

  /** Asks for the code, to make a new key. Copies of the binding are then worthless. */
  renewKey(): Promise<void> {
    return this.#codeEntry.renewKey()
  }

  /** Shows the code on the device's screen again. */
  showAgain(): Promise<void> {
    return this.#codeEntry.showAgain()
  }

  /** Binds with the code. An unverified device gets here only through the state of that name. */
  submit(code: string, keep: boolean): Promise<void> {
    return this.#codeEntry.submit(code, keep)
  }

  /** Stops what is under way. A check is not left half-way: the device is asked how it ended. */
  cancel(): Promise<void> {
    const { device } = this.#connection
    return this.state.name === 'checking' && device ? this.#codeEntry.stop(device) : this.leave()
  }

  /** Releases the device and shows the start. It resolves when the device is idle, or when it takes too long to become idle. */
  leave(): Promise<void> {
    return this.#visit.leave()
  }

  /** Ends the visit. It resolves as leave does. */
  end(): Promise<void> {
    return this.leave()
  }

  /** Shows the code that this browser keeps, for half a minute. The device must be plugged in; it does not know who asks. */
  viewCode(): Promise<void> {
    return this.#actions.viewCode()
  }

  /** Takes the code from the page, or gives up the request for it. */
  hideCode(): Promise<void> {
    return this.#actions.hideCode()
  }

  /** Asks the device to show its code. It does so for the app that it is bound to. */
  showOnDevice(): Promise<void> {
    return this.#actions.showOnDevice()
  }

  /** Returns to the binding from the management of devices, and says what was done there. */
  returned(manage: ManagementOutcome): Promise<void> {
    return this.#actions.returned(manage)
  }

  /** Asks whether to forget the binding. */
  forget(): Promise<void> {
    return this.#actions.forget()
  }

  /** Returns to the state that forget was called in. */
  keepBinding(): Promise<void> {
    return this.#actions.keepBinding()
  }

  /** Deletes this browser's record of the device that is plugged in, whatever state the record is in. */
  forgetNow(): Promise<void> {
    return this.#actions.forgetNow()
  }

  /** Shows again what is known about the bound device, because its record may have changed. */
  refresh(): Promise<void> {
    return this.#actions.refresh()
  }
}
