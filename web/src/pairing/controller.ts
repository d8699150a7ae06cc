import { known, type ErrorCode } from '../i18n/errors'
import type { Report } from './report'
import type { BindingStatus, Device, ImKey } from './sdk'
import { damaged, entersCode, type CodeSource, type DeviceFacts, type State } from './state'

/** Simulator is what the page knows when it is served by one. */
export interface Simulator {
  /** Gives an object that behaves as navigator.usb does, with the simulated device on it. */
  usb(): Promise<unknown>
  /** The simulated device's serial number: a real one beside it is told apart by it. */
  readonly serial: string
  /** How many wrong codes it still takes before it locks; null where it does not say. */
  tries(): Promise<number | null>
}

/** World is all that the pairing needs from outside; a test gives its own. */
export interface World {
  /** Loads the SDK on the browser's USB, or on another object that behaves as it does. */
  load(usb?: unknown): Promise<ImKey>
  readonly support: { readonly supported: boolean; readonly reason?: string }
  readonly simulator: Simulator | null
  /** The one device that this is about, where somebody else chose it. It is open, and is left so whatever happens. */
  readonly given?: Device
  /**
   * Puts the code that this browser keeps before the person's eyes. It comes this way alone, just before the state that
   * says so, and is to go with that state. Without it there is nothing to look up.
   */
  reveal?(code: string): void
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  readonly report: Report
}

/** How often a locked device is asked whether it is unlocked by now. A device does not say so by itself. */
const lookAgain = 1000

/** How long a device that does not answer is waited for, in milliseconds. The SDK gives up before. */
const patience = 15_000

/** How long a code stays on the page, in milliseconds. */
const inSight = 30_000

/**
 * Pairing drives the states: one visit to the connect page, from the press of a button to the binding. Every press starts
 * a run that ends the one before; what a run that ended still does is not shown. The code passes through submit into
 * the SDK and is kept nowhere.
 */
export class Pairing {
  #state: State
  #imkey: Promise<ImKey> | null = null
  #device: Device | null = null
  #status: BindingStatus = 'unbound'
  #source: CodeSource = 'screen'
  #run = new AbortController()
  #usb: unknown = undefined
  /** What runs left behind, an exchange with a device or its closing: nothing else is asked before it ended. */
  #ending: Promise<unknown> = Promise.resolve()
  /** The device whose record is damaged: it was closed. */
  #damaged: Device | null = null
  /** What the person comes back to who keeps the binding. */
  #unforgotten: State | null = null
  #keep = false
  /** The given device, until it is unplugged: plugged in again it is another object. */
  #given: Device | undefined
  readonly #listening = new WeakSet<ImKey>()

  constructor(
    private readonly world: World,
    private readonly onState: (state: State) => void,
  ) {
    this.#state = firstState(world)
    this.#given = world.given
    world.report.state(this.#state)
  }

  get state(): State {
    return this.#state
  }

  /**
   * Connects to the one imKey that this page may already use, else opens the browser's chooser. Call it in a click, unless
   * the device was given: then there is nothing to choose.
   */
  connect(): Promise<void> {
    return this.#start(async (run) => {
      if (this.#given) return this.#recognise(run, this.#given)
      const imkey = await this.#load()
      const permitted = await this.#permitted(imkey)
      run.throwIfAborted()
      const [only] = permitted
      if (only !== undefined && permitted.length === 1) await this.#recognise(run, only)
      else if (this.world.given) throw new Refused('device-disconnected')
      else await this.#choose(run, imkey)
    })
  }

  /** The same with the simulated device over a WebSocket, in place of the browser's USB. */
  connectSimulated(): Promise<void> {
    const { simulator } = this.world
    if (!simulator) return Promise.resolve()
    return this.#start(async (run) => {
      const usb = await simulator.usb()
      run.throwIfAborted()
      this.#usb = usb
      this.#imkey = null
      const imkey = await this.#load()
      const permitted = await imkey.getDevices()
      run.throwIfAborted()
      await this.#recognise(run, permitted[0] ?? (await imkey.requestDevice({ signal: run })))
    })
  }

  /** Opens the chooser even though a device is known. Call it in a click. */
  another(): Promise<void> {
    return this.#start(async (run) => {
      this.#letGo()
      await this.#choose(run, await this.#load())
    })
  }

  /** Goes on from what is shown: a recognised device, the accepted risk, the warning. */
  goOn(): Promise<void> {
    const state = this.#state
    const device = this.#device
    if (!device) return Promise.resolve()
    const elsewhere = this.#status === 'bound-elsewhere'
    switch (state.name) {
      case 'recognised':
        if (state.device.certificate === 'unverified') return this.#show({ name: 'unverified', device: state.device })
        return elsewhere ? this.#show({ name: 'elsewhere', device: state.device }) : this.#askCode(device)
      case 'unverified':
        return elsewhere ? this.#show({ name: 'elsewhere', device: state.device }) : this.#askCode(device)
      case 'elsewhere':
        return this.#askCode(device)
      default:
        return Promise.resolve()
    }
  }

  /** Shows the code on the device's screen once more. */
  showAgain(): Promise<void> {
    const device = this.#device
    if (!device || !entersCode(this.#state)) return Promise.resolve()
    return this.#start(async (run) => {
      await device.showBindingCode()
      this.#set(run, { name: 'code', source: this.#source, notice: 'shown-again' })
    })
  }

  /** Binds with the code. An unverified device gets here only through the state of that name. */
  submit(code: string, keep: boolean): Promise<void> {
    const device = this.#device
    if (!device || (this.#state.name !== 'code' && this.#state.name !== 'wrong')) return Promise.resolve()
    const source = this.#source
    return this.#start(async (run) => {
      this.#set(run, { name: 'checking', source, attention: false })
      const onInteraction = (event: Event) => {
        const { state } = (event as CustomEvent<{ state?: string }>).detail
        this.#set(run, { name: 'checking', source, attention: state === 'waiting' })
      }
      device.addEventListener('interaction', onInteraction)
      this.#keep = keep
      try {
        const binding = device.bind(code, {
          signal: run,
          rememberCode: keep,
          acceptUnverified: device.info.certificate === 'unverified',
        })
        this.#leaveBehind(binding)
        await binding
      } catch (error) {
        if (await this.#afterBind(run, device, error)) return
        throw error
      } finally {
        device.removeEventListener('interaction', onInteraction)
      }
      this.#set(run, bound(device, true, keep))
    })
  }

  /** Stops what waits, without leaving the device half-way: after a check it is asked what became of it. */
  cancel(): Promise<void> {
    const device = this.#device
    if (this.#state.name !== 'checking' || !device) return this.leave()
    return this.#start(async (run) => {
      this.#set(run, { name: 'stopping', source: this.#source })
      if (!(await this.#idle(run))) throw new Refused('timeout')
      this.#status = await device.bindingStatus()
      if (this.#status === 'bound') this.#set(run, bound(device, true, this.#keep))
      else this.#set(run, { name: 'code', source: this.#source, notice: 'aborted' })
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
        if (codeOf(error) !== 'not-bound' || reasonOf(error) !== 'not-remembered') throw error
        this.#set(run, { ...state, manage: 'not-remembered' })
        return
      }
      run.throwIfAborted()
      this.world.reveal?.(code)
      this.#set(run, { ...state, manage: 'revealed' })
      await this.world.wait(inSight, run)
      this.#set(run, { ...state, manage: 'hidden' })
    })
  }

  /** Takes the code from the page, or takes back the wish to see it. */
  hideCode(): Promise<void> {
    const state = this.#state
    if (state.name !== 'bound') return Promise.resolve()
    if (state.manage === 'revealed') return this.#show({ ...state, manage: 'hidden' })
    return state.manage === 'asking' ? this.#show(unmanaged(state)) : Promise.resolve()
  }

  /** Has the device show its code to whom it is bound. */
  showOnDevice(): Promise<void> {
    return this.#manage(async (run, device, state) => {
      await device.showBindingCode()
      this.#set(run, { ...state, manage: 'on-screen' })
    })
  }

  /** Asks whether the binding is really to be forgotten. */
  forget(): Promise<void> {
    const state = this.#state
    if (state.name === 'bound' && this.#device) {
      this.#unforgotten = unmanaged(state)
      return this.#show({ name: 'forget', serial: state.device.serial })
    }
    if (state.name === 'error' && damaged(state.code) && this.#damaged) {
      this.#unforgotten = state
      return this.#show({ name: 'forget', serial: this.#damaged.info.serial, damage: state.code })
    }
    return Promise.resolve()
  }

  /** Goes back to where forget was asked for. */
  keepBinding(): Promise<void> {
    if (this.#state.name !== 'forget' || !this.#unforgotten) return Promise.resolve()
    return this.#show(this.#unforgotten)
  }

  /** Forgets the binding of the device that is plugged in: this browser's record of it, whatever state it is in. */
  forgetNow(): Promise<void> {
    const state = this.#state
    const device = this.#device ?? this.#damaged
    if (state.name !== 'forget' || state.going || !device) return Promise.resolve()
    return this.#start(async (run) => {
      this.#set(run, { ...state, going: true })
      await this.#open(run, device)
      await device.forget()
      run.throwIfAborted()
      if (this.world.given) return this.#classify(run, device)
      this.#letGo()
      this.#set(run, { name: 'start', forgotten: true })
    })
  }

  /** Lets go of the device and shows the start. Resolves when the device is idle, or does not become so in good time. */
  leave(): Promise<void> {
    return this.#start(async (run) => {
      this.#letGo()
      this.#set(run, firstState(this.world))
      await this.#idle(run)
    })
  }

  /** Ends the visit for good. Resolves as leave does. */
  end(): Promise<void> {
    return this.leave()
  }

  async #load(): Promise<ImKey> {
    this.#imkey ??= this.world.load(this.#usb)
    let imkey: ImKey
    try {
      imkey = await this.#imkey
    } catch (error) {
      this.#imkey = null // the next press loads it anew
      throw error
    }
    if (!this.#listening.has(imkey)) {
      this.#listening.add(imkey)
      imkey.addEventListener('connect', () => this.#plugged())
    }
    return imkey
  }

  /** Gives the devices that come into question: with a given one, that one alone. */
  async #permitted(imkey: ImKey): Promise<readonly Device[]> {
    const { given } = this.world
    const permitted = await imkey.getDevices()
    return given ? permitted.filter((device) => device.serialNumber === given.serialNumber) : permitted
  }

  async #choose(run: AbortSignal, imkey: ImKey): Promise<void> {
    this.#set(run, { name: 'choosing' })
    const device = await imkey.requestDevice({ signal: run })
    run.throwIfAborted()
    await this.#recognise(run, device)
  }

  async #recognise(run: AbortSignal, device: Device): Promise<void> {
    this.#set(run, { name: 'opening' })
    await this.#open(run, device)
    await this.#classify(run, device)
  }

  /** Opens the device, and makes it the one of this visit; one that is open already stays so. */
  async #open(run: AbortSignal, device: Device): Promise<void> {
    if (this.#device !== device) this.#letGo()
    this.#device = device
    device.removeEventListener('disconnect', this.#unplugged)
    device.addEventListener('disconnect', this.#unplugged)
    await this.#idle(run)
    await device.open()
    run.throwIfAborted()
  }

  /** Asks who is bound. */
  async #classify(run: AbortSignal, device: Device): Promise<void> {
    // A certificate that is malformed or another device's is refused before anything else is asked.
    if (device.info.certificate === 'invalid') throw new Refused('untrusted-device')
    this.#status = await device.bindingStatus()
    run.throwIfAborted()
    if (this.#status === 'bound') this.#set(run, bound(device, false, false))
    else this.#set(run, { name: 'recognised', device: facts(device) })
  }

  #askCode(device: Device): Promise<void> {
    this.#source = this.#status === 'bound-elsewhere' ? 'paper' : 'screen'
    return this.#start(async (run) => {
      this.#set(run, { name: 'code', source: this.#source })
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
        this.world.report.failure(code, statusWordOf(error))
        // A real device does not say how many tries are left.
        const { simulator } = this.world
        const triesLeft = simulator?.serial === device.info.serial ? await simulator.tries() : null
        this.#set(run, { name: 'wrong', source, triesLeft })
        return true
      }
      case 'code-format':
        this.world.report.failure(code)
        this.#set(run, { name: 'code', source, notice: 'code-format' })
        return true
      default:
        return false
    }
  }

  /** The device of this visit is gone: shown at once, except where there is nothing left to do with it. */
  readonly #unplugged = (event: Event): void => {
    const state = this.#state
    // The permission may be what went, rather than the device.
    const code = codeOf((event as CustomEvent).detail, 'device-disconnected')
    if (state.name === 'bound') {
      void this.#show({ ...unmanaged(state), plugged: false })
    } else if (state.name !== 'start' && state.name !== 'error' && state.name !== 'unsupported') {
      void this.#start(() => Promise.reject(new Refused(code)))
    }
  }

  /** A permitted device was plugged in: where the page said that it goes on by itself, it does. */
  #plugged(): void {
    const state = this.#state
    const gone = state.name === 'error' && state.code === 'device-disconnected'
    if (gone || (state.name === 'bound' && !state.plugged)) void this.#reconnect()
  }

  #reconnect(): Promise<void> {
    return this.#start(async (run) => {
      const permitted = await this.#permitted(await this.#load())
      run.throwIfAborted()
      if (permitted.length === 1) await this.#recognise(run, permitted[0]!)
    })
  }

  /** Lets go of the device. It is closed behind the person's back: a mute one takes seconds. */
  #letGo(): void {
    const device = this.#device
    if (!device) return
    this.#device = null
    device.removeEventListener('disconnect', this.#unplugged)
    // A device that is gone or broken cannot be closed in good order; it is let go of all the same.
    if (!this.world.given) this.#leaveBehind(device.close())
  }

  #leaveBehind(exchange: Promise<unknown>): void {
    this.#ending = Promise.all([this.#ending, exchange.catch(() => undefined)])
  }

  /** Waits until nothing that was left behind is under way, and says whether it came to that in good time. */
  async #idle(run: AbortSignal): Promise<boolean> {
    const enough = new AbortController()
    const idle = await Promise.race([
      this.#ending.then(() => true),
      this.world.wait(patience, enough.signal).then(() => false),
    ])
    enough.abort()
    run.throwIfAborted()
    return idle
  }

  /** Does something with the binding, and says so while it lasts. */
  #manage(flow: (run: AbortSignal, device: Device, state: Bound) => Promise<void>): Promise<void> {
    const state = this.#state
    const device = this.#device
    if (state.name !== 'bound' || !state.plugged || !device) return Promise.resolve()
    return this.#start(async (run) => {
      this.#set(run, { ...state, manage: 'asking' })
      await flow(run, device, state)
    })
  }

  /**
   * Goes through with a flow. Where the device wants its PIN or its home page first, the person is waited for; then it is
   * asked anew who is bound, since anything may have happened on it meanwhile.
   */
  async #patiently(run: AbortSignal, flow: (run: AbortSignal) => Promise<void>): Promise<void> {
    for (let step = flow; ; ) {
      try {
        return await step(run)
      } catch (error) {
        const code = codeOf(error)
        const device = this.#device
        if (run.aborted || !device || (code !== 'locked' && code !== 'in-menu')) throw error
        // Said once, not at every look: a screen reader would repeat it.
        if (this.#state.name !== 'waiting' || this.#state.reason !== code) {
          this.world.report.failure(code, statusWordOf(error))
          this.#set(run, { name: 'waiting', reason: code })
        }
        await this.world.wait(lookAgain, run)
        step = async (run) => {
          await this.#open(run, device)
          await this.#classify(run, device)
        }
      }
    }
  }

  /** Begins a run and ends the one before; a failure of the run that still counts becomes the error state. */
  async #start(flow: (run: AbortSignal) => Promise<void>): Promise<void> {
    this.#run.abort()
    const controller = new AbortController()
    this.#run = controller
    const run = controller.signal
    try {
      await this.#patiently(run, flow)
    } catch (error) {
      if (run.aborted) return
      const code = codeOf(error)
      if (code === 'device-disconnected') this.#given = undefined
      this.world.report.failure(code, statusWordOf(error))
      this.#damaged = damaged(code) ? (this.#device ?? this.#damaged) : null
      this.#letGo()
      this.#set(run, code === 'unsupported' ? unsupported(reasonOf(error)) : { name: 'error', code })
    }
  }

  #show(state: State): Promise<void> {
    return this.#start(async (run) => this.#set(run, state))
  }

  #set(run: AbortSignal, state: State): void {
    if (run.aborted) return
    this.#state = state
    this.world.report.state(state)
    this.onState(state)
  }
}

type Bound = Extract<State, { name: 'bound' }>

/** unmanaged leaves out what the person asked for last: it counts no more. */
function unmanaged({ manage: _, ...state }: Bound): Bound {
  return state
}

/** Refused is a failure found here rather than by the SDK. */
class Refused extends Error {
  constructor(readonly code: ErrorCode) {
    super(code)
  }
}

function firstState({ support, given }: World): State {
  if (given) return { name: 'opening' }
  return support.supported ? { name: 'start' } : unsupported(support.reason)
}

/** unsupported tells apart what a person can do: another browser, another address, a tab of its own. */
function unsupported(reason: unknown): State {
  if (reason === 'permissions-policy') return { name: 'error', code: 'permission-denied' }
  return { name: 'unsupported', reason: reason === 'insecure-context' ? 'insecure-context' : 'no-webusb' }
}

function bound(device: Device, fresh: boolean, kept: boolean): State {
  return { name: 'bound', device: facts(device), fresh, kept, persisted: device.info.persisted, plugged: true }
}

function facts({ info }: Device): DeviceFacts {
  return {
    serial: info.serial,
    firmware: info.firmware,
    bootloader: info.bootloader,
    battery: info.battery,
    charging: info.charging,
    bleName: info.bleName,
    bleVersion: info.bleVersion,
    certificate: info.certificate === 'verified' ? 'verified' : 'unverified',
  }
}

/** codeOf gives the code of an error of ours; anything else is a fault of ours. */
function codeOf(error: unknown, otherwise: ErrorCode = 'internal'): ErrorCode {
  const code = (error as { code?: unknown } | null)?.code
  return known(code) ? code : otherwise
}

function statusWordOf(error: unknown): number | undefined {
  const word = (error as { statusWord?: unknown } | null)?.statusWord
  return typeof word === 'number' ? word : undefined
}

function reasonOf(error: unknown): unknown {
  return (error as { data?: { reason?: unknown } } | null)?.data?.reason
}
