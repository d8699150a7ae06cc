import { known, type ErrorCode } from '../i18n/errors'
import type { Report } from './report'
import type { BindingStatus, Device, ImKey } from './sdk'
import { entersCode, type CodeSource, type DeviceFacts, type State } from './state'

/** Simulator is what the page knows when it is served by one. */
export interface Simulator {
  /** Gives an object that behaves as navigator.usb does, with the simulated device on it. */
  usb(): Promise<unknown>
  /** The simulated device's serial number: a real one beside it is told apart by it. */
  readonly serial: string
  /**
   * How many wrong codes it takes before it locks, as it was when the page was loaded. From there the page counts: to
   * ask again would bring the device's screen, and with it the code, into the browser.
   */
  readonly tries: number
}

/** World is all that the pairing needs from outside; a test gives its own. */
export interface World {
  /** Loads the SDK on the browser's USB, or on another object that behaves as it does. */
  load(usb?: unknown): Promise<ImKey>
  readonly support: { readonly supported: boolean; readonly reason?: string }
  readonly simulator: Simulator | null
  /** The one device that this is about, where somebody else chose it. It is open, and is left so whatever happens. */
  readonly given?: Device
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  readonly report: Report
}

/** How often a locked device is asked whether it is unlocked by now. A device does not say so by itself. */
const lookAgain = 1000

/** How many wrong codes in a row a simulated device takes after a right one, and after it was unlocked. */
const fullTries = 10

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
  #triesLeft: number
  /** The exchange with the device that a run left behind: nothing else is asked before it ended. */
  #ending: Promise<unknown> = Promise.resolve()
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
    this.#triesLeft = world.simulator?.tries ?? fullTries
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
      await this.#closeDevice()
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
        this.#ending = binding.catch(() => undefined)
        await binding
      } catch (error) {
        if (await this.#afterBind(run, device, error)) return
        throw error
      } finally {
        device.removeEventListener('interaction', onInteraction)
      }
      this.#triesLeft = fullTries
      this.#set(run, bound(device, true, keep))
    })
  }

  /** Stops what waits, without leaving the device half-way: after a check it is asked what became of it. */
  cancel(): Promise<void> {
    const device = this.#device
    if (this.#state.name !== 'checking' || !device) return this.leave()
    return this.#start(async (run) => {
      await this.#ending
      this.#status = await device.bindingStatus()
      if (this.#status === 'bound') this.#set(run, bound(device, true, this.#keep))
      else this.#set(run, { name: 'code', source: this.#source, notice: 'aborted' })
    })
  }

  /** Tries again from the beginning, with the device that is plugged in. */
  retry(): Promise<void> {
    return this.connect()
  }

  /** Lets go of the device and shows the start. */
  leave(): Promise<void> {
    return this.#start(async (run) => {
      await this.#closeDevice()
      this.#set(run, firstState(this.world))
    })
  }

  /** Ends the visit for good. Resolves when the device is idle. */
  async end(): Promise<void> {
    await this.leave()
    await this.#ending
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
    if (this.#device !== device) await this.#closeDevice()
    this.#set(run, { name: 'opening' })
    this.#device = device
    device.removeEventListener('disconnect', this.#unplugged)
    device.addEventListener('disconnect', this.#unplugged)
    await device.open()
    run.throwIfAborted()
    await this.#classify(run, device)
  }

  /** Asks who is bound, and waits for the person where the device wants its PIN or its home page first. */
  async #classify(run: AbortSignal, device: Device): Promise<void> {
    // A certificate that is malformed or another device's is refused before anything else is asked.
    if (device.info.certificate === 'invalid') throw new Refused('untrusted-device')
    const patient = async (): Promise<BindingStatus> => {
      for (;;) {
        try {
          return await device.bindingStatus()
        } catch (error) {
          const code = codeOf(error)
          if (code !== 'locked' && code !== 'in-menu') throw error
          // Said once, not at every look: a screen reader would repeat it.
          if (this.#state.name !== 'waiting' || this.#state.reason !== code) {
            this.#set(run, { name: 'waiting', reason: code })
          }
          await this.world.wait(lookAgain, run)
        }
      }
    }
    this.#status = await patient()
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
        this.#triesLeft = Math.max(0, this.#triesLeft - 1)
        // A real device does not say how many tries are left.
        const simulated = device.info.serial === this.world.simulator?.serial
        this.#set(run, { name: 'wrong', source, triesLeft: simulated ? this.#triesLeft : null })
        return true
      }
      case 'code-format':
        this.world.report.failure(code)
        this.#set(run, { name: 'code', source, notice: 'code-format' })
        return true
      case 'locked':
      case 'in-menu':
        this.world.report.failure(code, statusWordOf(error))
        this.#set(run, { name: 'waiting', reason: code })
        await this.world.wait(lookAgain, run)
        await this.#classify(run, device)
        return true
      case 'code-locked':
        this.#triesLeft = fullTries
        return false
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
      void this.#show({ ...state, plugged: false })
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

  async #closeDevice(): Promise<void> {
    const device = this.#device
    if (!device) return
    this.#device = null
    device.removeEventListener('disconnect', this.#unplugged)
    // A device that is gone or broken cannot be closed in good order; it is let go of all the same.
    if (!this.world.given) await device.close().catch(() => undefined)
  }

  /** Begins a run and ends the one before; a failure of the run that still counts becomes the error state. */
  async #start(flow: (run: AbortSignal) => Promise<void>): Promise<void> {
    this.#run.abort()
    const controller = new AbortController()
    this.#run = controller
    const run = controller.signal
    try {
      await flow(run)
    } catch (error) {
      if (run.aborted) return
      const code = codeOf(error)
      if (code === 'device-disconnected') this.#given = undefined
      this.world.report.failure(code, statusWordOf(error))
      this.#set(run, code === 'unsupported' ? unsupported(reasonOf(error)) : { name: 'error', code })
      await this.#closeDevice()
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
