import { codeOf, dataOf, Refused, statusWordOf } from '../model/failure'
import { factsOf, recordOf, recordsOf, type DeviceFacts, type Managed } from '../model/facts'
import type { BindingStatus, Device, ImKey, KnownDevice } from '../model/sdk'
import { damaged, entersCode, type CodeSource, type State } from './state'
import { Visit, type Simulator } from './visit'

export type { Simulator, Environment } from './visit'

/** How long a code stays on the page, in milliseconds. */
const inSight = 30_000

/**
 * Pairing drives the states: one visit to the connect page, from the press of a button to the binding, and what can be
 * done with it then. The code passes through submit into the SDK and is kept nowhere.
 */
export class Pairing extends Visit {
  #status: BindingStatus = 'unbound'
  #facts: DeviceFacts | null = null
  /** Whether its record keeps the code; null where there is none to be read. */
  #codeKept: boolean | null = null
  #source: CodeSource = 'screen'
  #choices: readonly Device[] = []
  /** The serial numbers of devices that were bound to something when this visit last asked them. */
  readonly #wasBound = new Set<string>()
  /** What the person comes back to who keeps the binding. */
  #unforgotten: State | null = null
  #keep = false

  /** The SEID of the device of this visit; null while none is open. */
  get seid(): string | null {
    return this.#facts && this.device ? this.device.info.seid : null
  }

  /** Its serial number; null while none is open. */
  get serial(): string | null {
    return this.#facts && this.device ? this.#facts.serial : null
  }

  /**
   * Connects to the one imKey that this page may already use; where there are several, the person picks one; where there
   * is none, the browser's chooser opens. Call it in a click, unless the device was given: then there is nothing to choose.
   */
  connect(): Promise<void> {
    return this.start(async (run) => {
      if (this.given) return this.recognise(run, this.given)
      const imkey = await this.imkey()
      const permitted = await this.permitted(imkey)
      run.throwIfAborted()
      const [only] = permitted
      if (only !== undefined && permitted.length === 1) await this.recognise(run, only)
      else if (this.environment.given) throw new Refused('device-disconnected')
      else if (only !== undefined) await this.#offer(run, imkey, permitted)
      else await this.#choose(run, imkey)
    })
  }

  /**
   * Connects to the device with this serial number; where this page may not use it yet, the browser's chooser opens, which
   * never lists the simulated one. Call it in a click.
   */
  connectTo(serial: string): Promise<void> {
    return this.start(async (run) => {
      const imkey = await this.imkey()
      const permitted = await this.permitted(imkey)
      run.throwIfAborted()
      const device = permitted.find(({ serialNumber }) => serialNumber === serial)
      const { simulator } = this.environment
      if (device) await this.recognise(run, device)
      else if (simulator?.serial === serial) await this.#simulated(run, simulator)
      else await this.#choose(run, imkey)
    })
  }

  /** The same as connect with the simulated device over a WebSocket, in place of the browser's USB. */
  connectSimulated(): Promise<void> {
    const { simulator } = this.environment
    return simulator ? this.start((run) => this.#simulated(run, simulator)) : Promise.resolve()
  }

  async #simulated(run: AbortSignal, simulator: Simulator): Promise<void> {
    const usb = await simulator.usb()
    run.throwIfAborted()
    this.useUSB(usb)
    const imkey = await this.imkey()
    const permitted = await imkey.getDevices()
    run.throwIfAborted()
    await this.recognise(run, permitted[0] ?? (await imkey.requestDevice({ signal: run })))
  }

  /** Takes one of several devices, by its place among them. */
  pick(place: number): Promise<void> {
    const device = this.#choices[place]
    if (this.state.name !== 'several' || !device) return Promise.resolve()
    return this.start((run) => this.recognise(run, device))
  }

  /** Opens the chooser even though a device is known. Call it in a click. */
  another(): Promise<void> {
    return this.start(async (run) => {
      this.letGo()
      await this.#choose(run, await this.imkey())
    })
  }

  /** Has another tab let go of the device. */
  takeOver(): Promise<void> {
    const device = this.wanted
    if (!device || (this.state.name !== 'in-use' && this.state.name !== 'taken-over')) return Promise.resolve()
    return this.start((run) => this.recognise(run, device, true))
  }

  /** Goes on from what is shown: a recognised device, the accepted risk, the warning. */
  goOn(): Promise<void> {
    const state = this.state
    const device = this.device
    if (!device) return Promise.resolve()
    const elsewhere = this.#status === 'bound-elsewhere'
    switch (state.name) {
      case 'recognised':
      case 'reset':
      case 'rebound':
        if (state.device.certificate === 'unverified') return this.show({ name: 'unverified', device: state.device })
        return elsewhere ? this.show({ name: 'elsewhere', device: state.device }) : this.#askCode(device)
      case 'unverified':
        return elsewhere ? this.show({ name: 'elsewhere', device: state.device }) : this.#askCode(device)
      case 'elsewhere':
        return this.#askCode(device)
      default:
        return Promise.resolve()
    }
  }

  /** Shows the code on the device's screen once more. */
  showAgain(): Promise<void> {
    const device = this.device
    if (!device || !entersCode(this.state)) return Promise.resolve()
    return this.start(async (run) => {
      await device.showBindingCode()
      this.set(run, { name: 'code', source: this.#source, notice: 'shown-again' })
    })
  }

  /** Binds with the code. An unverified device gets here only through the state of that name. */
  submit(code: string, keep: boolean): Promise<void> {
    const device = this.device
    if (!device || (this.state.name !== 'code' && this.state.name !== 'wrong')) return Promise.resolve()
    const source = this.#source
    return this.start(async (run) => {
      this.set(run, { name: 'checking', source, attention: false })
      const onInteraction = (event: Event) => {
        const { state } = (event as CustomEvent<{ state?: string }>).detail
        this.set(run, { name: 'checking', source, attention: state === 'waiting' })
      }
      device.addEventListener('interaction', onInteraction)
      this.#keep = keep
      try {
        const binding = device.bind(code, {
          signal: run,
          rememberCode: keep,
          acceptUnverified: device.info.certificate === 'unverified',
        })
        this.leaveBehind(binding)
        await binding
      } catch (error) {
        if (await this.#afterBind(run, device, error)) return
        throw error
      } finally {
        device.removeEventListener('interaction', onInteraction)
      }
      await this.#bound(run, device, true, keep)
    })
  }

  /** Stops what waits, without leaving the device half-way: after a check it is asked what became of it. */
  cancel(): Promise<void> {
    const device = this.device
    if (this.state.name !== 'checking' || !device) return this.leave()
    return this.start(async (run) => {
      this.set(run, { name: 'stopping', source: this.#source })
      if (!(await this.idle(run))) throw new Refused('timeout')
      this.#status = await device.bindingStatus()
      if (this.#status === 'bound') await this.#bound(run, device, true, this.#keep)
      else this.set(run, { name: 'code', source: this.#source, notice: 'aborted' })
    })
  }

  /** Tries again from the beginning, with the device that is plugged in. */
  retry(): Promise<void> {
    return this.connect()
  }

  /** Shows the code that this browser keeps, for half a minute. The device has to be there, and says nothing of who asks. */
  viewCode(): Promise<void> {
    return this.#manage(async (run, device, state) => {
      let code: string
      try {
        code = await device.revealBindingCode({
          signal: run,
          // An unverified device can be bound by a deliberate choice alone: whoever looks at its code has made it.
          acceptUnverified: device.info.certificate === 'unverified',
        })
      } catch (error) {
        if (codeOf(error) !== 'not-bound' || dataOf(error, 'reason') !== 'not-remembered') throw error
        this.set(run, { ...state, manage: 'not-remembered' })
        return
      }
      run.throwIfAborted()
      this.environment.reveal?.(code)
      this.set(run, { ...state, manage: 'revealed' })
      await this.environment.wait(inSight, run)
      this.set(run, { ...state, manage: 'hidden' })
    })
  }

  /** Takes the code from the page, or takes back the wish to see it. */
  hideCode(): Promise<void> {
    const state = this.state
    if (state.name !== 'bound') return Promise.resolve()
    if (state.manage === 'revealed') return this.show({ ...state, manage: 'hidden' })
    return state.manage === 'asking' ? this.show(unmanaged(state)) : Promise.resolve()
  }

  /** Has the device show its code to whom it is bound. */
  showOnDevice(): Promise<void> {
    return this.#manage(async (run, device, state) => {
      await device.showBindingCode()
      this.set(run, { ...state, manage: 'on-screen' })
    })
  }

  /** Comes back to the binding from what was done with it elsewhere. What was said before counts no more. */
  returned(manage: Managed): Promise<void> {
    const { state } = this
    return state.name === 'bound' && state.plugged ? this.show({ ...state, manage }) : Promise.resolve()
  }

  /** Asks whether the binding is really to be forgotten. */
  forget(): Promise<void> {
    const state = this.state
    if ((state.name === 'bound' || state.name === 'rebound') && this.device) {
      this.#unforgotten = state.name === 'bound' ? unmanaged(state) : state
      return this.show({ name: 'forget', serial: state.device.serial, ...(state.name === 'rebound' && { former: true }) })
    }
    if (state.name === 'error' && damaged(state.code) && this.broken) {
      this.#unforgotten = state
      return this.show({ name: 'forget', serial: this.broken.info.serial, damage: state.code })
    }
    return Promise.resolve()
  }

  /** Goes back to where forget was asked for. */
  keepBinding(): Promise<void> {
    if (this.state.name !== 'forget' || !this.#unforgotten) return Promise.resolve()
    return this.show(this.#unforgotten)
  }

  /** Forgets the binding of the device that is plugged in: this browser's record of it, whatever state it is in. */
  forgetNow(): Promise<void> {
    const state = this.state
    const device = this.device ?? this.broken
    if (state.name !== 'forget' || state.going || !device) return Promise.resolve()
    return this.start(async (run) => {
      this.set(run, { ...state, going: true })
      await this.open(run, device)
      await device.forget()
      run.throwIfAborted()
      if (this.environment.given) return this.classify(run, device)
      this.letGo()
      this.set(run, { name: 'start', forgotten: true })
    })
  }

  /** Shows anew what a person was told of the device of this visit: its record may have changed. */
  async refresh(): Promise<void> {
    const state = this.state
    const device = this.device
    if (state.name !== 'bound' || !device) return
    const facts = await this.#look(device)
    if (this.state === state && JSON.stringify(facts) !== JSON.stringify(state.device)) await this.show({ ...state, device: facts })
  }

  async #offer(run: AbortSignal, imkey: ImKey, permitted: readonly Device[]): Promise<void> {
    const records = await recordsOf(imkey)
    run.throwIfAborted()
    this.#choices = permitted
    this.set(run, {
      name: 'several',
      choices: permitted.map(({ serialNumber: serial }) => {
        const record = records.find((record) => serial !== null && record.serial === serial)
        return { serial, called: record?.name ?? null, known: record?.state === 'bound' }
      }),
    })
  }

  async #choose(run: AbortSignal, imkey: ImKey): Promise<void> {
    this.set(run, { name: 'choosing' })
    const device = await imkey.requestDevice({ signal: run })
    run.throwIfAborted()
    await this.recognise(run, device)
  }

  protected async classify(run: AbortSignal, device: Device): Promise<void> {
    // A certificate that is malformed or another device's is refused before anything else is asked.
    if (device.info.certificate === 'invalid') throw new Refused('untrusted-device')
    this.#status = await device.bindingStatus()
    run.throwIfAborted()
    if (this.#status === 'bound') return this.#bound(run, device, false, false)

    const record = await recordOf(await this.imkey(), device.info.seid)
    const before = record !== null && wasBound.includes(record.state)
    const facts = await this.#look(device)
    run.throwIfAborted()
    const { serial } = facts
    if (this.#status === 'bound-elsewhere') {
      this.#wasBound.add(serial)
      this.set(run, { name: before ? 'rebound' : 'recognised', device: facts })
    } else {
      this.set(run, { name: before || this.#wasBound.has(serial) ? 'reset' : 'recognised', device: facts })
    }
  }

  /** Looks up what a person may know about the open device. */
  async #look(device: Device): Promise<DeviceFacts> {
    const record = await recordOf(await this.imkey(), device.info.seid)
    this.#codeKept = record?.codeKept ?? null
    this.#facts = await factsOf(device, record, this.environment.simulator?.cas ?? [])
    return this.#facts
  }

  async #bound(run: AbortSignal, device: Device, fresh: boolean, keep: boolean): Promise<void> {
    const facts = await this.#look(device)
    run.throwIfAborted()
    // A device that turned out to be bound already keeps what it has, whatever was chosen now.
    const kept = this.#codeKept ?? keep
    this.#wasBound.add(facts.serial)
    this.set(run, { name: 'bound', device: facts, fresh, kept, persisted: device.info.persisted, plugged: true })
  }

  #askCode(device: Device): Promise<void> {
    this.#source = this.#status === 'bound-elsewhere' ? 'paper' : 'screen'
    return this.start(async (run) => {
      this.set(run, { name: 'code', source: this.#source })
      // A device that is bound elsewhere keeps its code to itself; any other shows it, again if it did before.
      if (this.#source === 'screen') await device.showBindingCode()
    })
  }

  /** Shows what a failed bind means while the code can still be entered; false leaves it to the error state. */
  async #afterBind(run: AbortSignal, device: Device, error: unknown): Promise<boolean> {
    if (run.aborted) return false
    const source = this.#source
    const code = codeOf(error)
    switch (code) {
      case 'wrong-code': {
        this.environment.report.failure(code, statusWordOf(error))
        // A real device does not say how many tries are left.
        const { simulator } = this.environment
        const triesLeft = simulator?.serial === device.info.serial ? await simulator.tries() : null
        this.set(run, { name: 'wrong', source, triesLeft })
        return true
      }
      case 'code-format':
        this.environment.report.failure(code)
        this.set(run, { name: 'code', source, notice: 'code-format' })
        return true
      default:
        return false
    }
  }

  protected override unplugged(code: Parameters<Visit['unplugged']>[0]): void {
    const state = this.state
    if (state.name === 'bound') void this.show({ ...unmanaged(state), plugged: false })
    else super.unplugged(code)
  }

  /** Where the page said that it goes on by itself, it does. */
  protected cameOrWent(came: boolean): void {
    const state = this.state
    if (state.name === 'several') void this.#offerAnew()
    if (!came) return
    const gone = state.name === 'error' && state.code === 'device-disconnected'
    if (gone || (state.name === 'bound' && !state.plugged)) void this.#reconnect()
  }

  #offerAnew(): Promise<void> {
    return this.start(async (run) => {
      const imkey = await this.imkey()
      const permitted = await this.permitted(imkey)
      run.throwIfAborted()
      if (permitted.length > 0) await this.#offer(run, imkey, permitted)
      else this.set(run, { name: 'start' })
    })
  }

  #reconnect(): Promise<void> {
    return this.start(async (run) => {
      const permitted = await this.permitted(await this.imkey())
      run.throwIfAborted()
      const same = permitted.find(({ serialNumber }) => serialNumber !== null && serialNumber === this.#facts?.serial)
      const device = same ?? (permitted.length === 1 ? permitted[0] : undefined)
      if (device) await this.recognise(run, device)
    })
  }

  /** Does something with the binding, and says so while it lasts. */
  #manage(flow: (run: AbortSignal, device: Device, state: Bound) => Promise<void>): Promise<void> {
    const state = this.state
    const device = this.device
    if (state.name !== 'bound' || !state.plugged || !device) return Promise.resolve()
    return this.start(async (run) => {
      this.set(run, { ...state, manage: 'asking' })
      await flow(run, device, state)
    })
  }
}

/** What a record says of a device that this browser could use before. */
const wasBound: readonly KnownDevice['state'][] = ['bound', 'former', 'imported']

type Bound = Extract<State, { name: 'bound' }>

/** unmanaged leaves out what the person asked for last: it counts no more. */
function unmanaged({ manage: _, ...state }: Bound): Bound {
  return state
}
