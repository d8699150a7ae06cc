import type { ErrorCode } from '../words/codes'
import { codeOf, dataOf, Refused, statusWordOf } from '../model/failure'
import type { Report } from '../model/report'
import type { Device, ImKey } from '../model/sdk'
import { reportState } from './describe'
import { damaged, type State } from './state'

/** Simulator is what the page knows when it is served by one. */
export interface Simulator {
  /** Gives an object that behaves as navigator.usb does, with the simulated device on it. */
  usb(): Promise<unknown>
  /** The simulated device's serial number: a real one beside it is told apart by it. */
  readonly serial: string
  /** The public keys of the CAs of all that it simulates, in hex. */
  readonly cas: readonly string[]
  /** How many wrong codes it still takes before it locks; null where it does not say. */
  tries(): Promise<number | null>
}

/** Environment is all that the pairing needs from outside; a test gives its own. */
export interface Environment {
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

/**
 * Visit is one visit to a page and its device: what is shown, and what is under way. Every press starts a run that ends
 * the one before; what a run that ended still does is not shown.
 */
export abstract class Visit {
  #state: State
  #imkey: Promise<ImKey> | null = null
  #usb: unknown = undefined
  #run = new AbortController()
  /** What runs left behind, an exchange with a device or its closing: nothing else is asked before it ended. */
  #ending: Promise<unknown> = Promise.resolve()
  readonly #listening = new WeakSet<ImKey>()
  protected device: Device | null = null
  /** The device whose record is damaged: it was closed. */
  protected broken: Device | null = null
  /** The device that another tab has. */
  protected wanted: Device | null = null
  /** The given device, until it is unplugged: plugged in again it is another object. */
  protected given: Device | undefined

  constructor(
    protected readonly environment: Environment,
    private readonly onState: (state: State) => void,
  ) {
    this.#state = firstState(environment)
    this.given = environment.given
    reportState(environment.report, this.#state)
  }

  get state(): State {
    return this.#state
  }

  /** Lets go of the device and shows the start. Resolves when the device is idle, or does not become so in good time. */
  leave(): Promise<void> {
    return this.start(async (run) => {
      this.letGo()
      this.set(run, firstState(this.environment))
      await this.idle(run)
    })
  }

  /** Ends the visit for good. Resolves as leave does. */
  end(): Promise<void> {
    return this.leave()
  }

  /** imkey loads the SDK. It asks for no permission and touches no device. */
  async imkey(): Promise<ImKey> {
    this.#imkey ??= this.environment.load(this.#usb)
    let imkey: ImKey
    try {
      imkey = await this.#imkey
    } catch (error) {
      this.#imkey = null // the next press loads it anew
      throw error
    }
    if (!this.#listening.has(imkey)) {
      this.#listening.add(imkey)
      imkey.addEventListener('connect', () => this.cameOrWent(true))
      imkey.addEventListener('disconnect', () => this.cameOrWent(false))
    }
    return imkey
  }

  /** From now on, the devices are those of this object. */
  protected useUSB(usb: unknown): void {
    this.#usb = usb
    this.#imkey = null
  }

  /** A device that this page may use was plugged in, or out. */
  protected abstract cameOrWent(came: boolean): void

  /** Asks an open device who is bound, and shows it. */
  protected abstract classify(run: AbortSignal, device: Device): Promise<void>

  /** Gives the devices that come into question: with a given one, that one alone. */
  protected async permitted(imkey: ImKey): Promise<readonly Device[]> {
    const { given } = this.environment
    const permitted = await imkey.getDevices()
    return given ? permitted.filter((device) => device.serialNumber === given.serialNumber) : permitted
  }

  protected async recognise(run: AbortSignal, device: Device, takeOver = false): Promise<void> {
    this.set(run, { name: 'opening' })
    await this.open(run, device, takeOver)
    await this.classify(run, device)
  }

  /** Opens the device, and makes it the one of this visit; one that is open already stays so. */
  protected async open(run: AbortSignal, device: Device, takeOver = false): Promise<void> {
    if (this.device !== device) this.letGo()
    this.device = device
    device.removeEventListener('disconnect', this.#gone)
    device.addEventListener('disconnect', this.#gone)
    await this.idle(run)
    await device.open(takeOver ? { takeOver } : {})
    run.throwIfAborted()
  }

  /** The device of this visit is gone: shown at once, except where there is nothing left to do with it. */
  readonly #gone = (event: Event): void => {
    const { detail } = event as CustomEvent<{ reason?: unknown } | null>
    if (detail?.reason === 'taken-over') {
      const device = this.device
      void this.start(async (run) => {
        this.letGo()
        this.wanted = device
        this.set(run, { name: 'taken-over' })
      })
      return
    }
    // The permission may be what went, rather than the device.
    this.unplugged(codeOf(detail, 'device-disconnected'))
  }

  protected unplugged(code: ErrorCode): void {
    const { name } = this.#state
    if (name !== 'start' && name !== 'error' && name !== 'unsupported') void this.start(() => Promise.reject(new Refused(code)))
  }

  /** Lets go of the device. It is closed behind the person's back: a mute one takes seconds. */
  protected letGo(): void {
    const device = this.device
    if (!device) return
    this.device = null
    device.removeEventListener('disconnect', this.#gone)
    // A device that is gone or broken cannot be closed in good order; it is let go of all the same.
    if (!this.environment.given) this.leaveBehind(device.close())
  }

  protected leaveBehind(exchange: Promise<unknown>): void {
    this.#ending = Promise.all([this.#ending, exchange.catch(() => undefined)])
  }

  /** Waits until nothing that was left behind is under way, and says whether it came to that in good time. */
  protected async idle(run: AbortSignal): Promise<boolean> {
    const enough = new AbortController()
    const idle = await Promise.race([
      this.#ending.then(() => true),
      this.environment.wait(patience, enough.signal).then(() => false),
    ])
    enough.abort()
    run.throwIfAborted()
    return idle
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
        const device = this.device
        if (run.aborted || !device || (code !== 'locked' && code !== 'in-menu')) throw error
        // Said once, not at every look: a screen reader would repeat it.
        if (this.#state.name !== 'waiting' || this.#state.reason !== code) {
          this.environment.report.failure(code, statusWordOf(error))
          this.set(run, { name: 'waiting', reason: code })
        }
        await this.environment.wait(lookAgain, run)
        step = async (run) => {
          await this.open(run, device)
          await this.classify(run, device)
        }
      }
    }
  }

  /** Begins a run and ends the one before; a failure of the run that still counts becomes a state that says so. */
  protected async start(flow: (run: AbortSignal) => Promise<void>): Promise<void> {
    this.#run.abort()
    const controller = new AbortController()
    this.#run = controller
    const run = controller.signal
    try {
      await this.#patiently(run, flow)
    } catch (error) {
      if (!run.aborted) this.#failed(run, error)
    }
  }

  #failed(run: AbortSignal, error: unknown): void {
    const code = codeOf(error)
    if (code === 'device-disconnected') this.given = undefined
    this.environment.report.failure(code, statusWordOf(error))
    const device = this.device
    this.broken = damaged(code) ? (device ?? this.broken) : null
    this.letGo()
    if (code === 'unsupported') {
      this.set(run, unsupported(dataOf(error, 'reason')))
    } else if (code === 'in-use-elsewhere' && dataOf(error, 'holder') === 'tab' && device) {
      this.wanted = device
      this.set(run, { name: 'in-use', mute: dataOf(error, 'reason') === 'no-answer' })
    } else {
      this.set(run, { name: 'error', code })
    }
  }

  protected show(state: State): Promise<void> {
    return this.start(async (run) => this.set(run, state))
  }

  protected set(run: AbortSignal, state: State): void {
    if (run.aborted) return
    this.#state = state
    reportState(this.environment.report, state)
    this.onState(state)
  }
}

export function firstState({ support, given }: Environment): State {
  if (given) return { name: 'opening' }
  return support.supported ? { name: 'start' } : unsupported(support.reason)
}

/** unsupported tells apart what a person can do: another browser, another address, a tab of its own. */
function unsupported(reason: unknown): State {
  if (reason === 'permissions-policy') return { name: 'error', code: 'permission-denied' }
  return { name: 'unsupported', reason: reason === 'insecure-context' ? 'insecure-context' : 'no-webusb' }
}
