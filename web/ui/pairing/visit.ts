import { codeOf, dataOf, reasonOf, Refused, statusWordOf } from '../model/failure'
import type { Device } from '../model/sdk'
import type { Connection } from './connection'
import { reportState } from './describe'
import type { Environment } from './environment'
import type { Recognition } from './recognition'
import { damaged, unmanaged, type State } from './state'

/** How often a locked device is asked whether it is unlocked now, in milliseconds. A device does not report it. */
const askAgain = 1000

/** Flow is what a press starts. It must stop, or at least show nothing more, once its signal is aborted. */
export type Flow = (run: AbortSignal) => Promise<void>

/**
 * Visit is one visit to a page and its device: what is shown, and what is under way. Every press starts a run and ends the
 * run before. What an ended run still does is not shown.
 */
export class Visit {
  #state: State
  #run = new AbortController()
  #damaged: Device | null = null
  #wanted: Device | null = null

  constructor(
    private readonly environment: Environment,
    private readonly connection: Connection,
    private readonly recognition: Recognition,
    private readonly onState: (state: State) => void,
  ) {
    this.#state = firstState(environment)
    reportState(environment.report, this.#state)
  }

  get state(): State {
    return this.#state
  }

  /** The device with a damaged record. It is closed. */
  get damagedDevice(): Device | null {
    return this.#damaged
  }

  /** The device that another tab holds. */
  get wanted(): Device | null {
    return this.#wanted
  }

  /** Starts a run and ends the run before. If the run fails before it is ended, the failure is shown. */
  async start(flow: Flow): Promise<void> {
    this.#run.abort()
    const controller = new AbortController()
    this.#run = controller
    const run = controller.signal
    try {
      await this.#follow(run, flow)
    } catch (error) {
      if (!run.aborted) this.#failed(run, error)
    }
  }

  /** Shows the state, and ends the run that is under way. */
  show(state: State): Promise<void> {
    return this.start(async (run) => this.set(run, state))
  }

  /** Shows the state unless the run was ended. */
  set(run: AbortSignal, state: State): void {
    if (run.aborted) return
    this.#state = state
    reportState(this.environment.report, state)
    this.onState(state)
  }

  /** Opens the device and shows what it is. */
  async recognise(run: AbortSignal, device: Device, takeOver = false): Promise<void> {
    this.set(run, { name: 'opening' })
    await this.connection.open(run, device, takeOver)
    this.set(run, await this.recognition.classify(run, device))
  }

  /** Releases the device and shows the start. It resolves when the device is idle, or when it is clear that it does not become so. */
  leave(): Promise<void> {
    return this.start(async (run) => {
      this.connection.release()
      this.set(run, firstState(this.environment))
      await this.connection.idle(run)
    })
  }

  /** Shows that the open device was lost, unless the state does not need it. The detail is that of the SDK's disconnect event. */
  lost(detail: { readonly reason?: unknown } | null): void {
    const { state } = this
    if (detail?.reason === 'taken-over') {
      const { device } = this.connection
      void this.start(async (run) => {
        this.connection.release()
        this.#wanted = device
        this.set(run, { name: 'taken-over' })
      })
    } else if (state.name === 'bound' && codeOf(detail) !== 'device-changed') {
      void this.show({ ...unmanaged(state), plugged: false })
    } else if (state.name !== 'start' && state.name !== 'error' && state.name !== 'unsupported') {
      // It may be the permission that was lost, and not the device.
      const code = codeOf(detail, 'device-disconnected')
      void this.start(() => Promise.reject(new Refused(code)))
    }
  }

  /**
   * Follows the flow to its end. If the device first needs its PIN or its home page, this waits for the user. Then it
   * classifies the device again, since anything may have happened on the device meanwhile.
   */
  async #follow(run: AbortSignal, flow: Flow): Promise<void> {
    for (let step = flow; ;) {
      try {
        return await step(run)
      } catch (error) {
        const code = codeOf(error)
        const { device } = this.connection
        if (run.aborted || !device || (code !== 'locked' && code !== 'in-menu')) throw error
        // Shown once and not each time the device is asked: a screen reader would repeat it.
        if (this.#state.name !== 'waiting' || this.#state.reason !== code) {
          this.environment.report.failure(code, statusWordOf(error))
          this.set(run, { name: 'waiting', reason: code })
        }
        await this.environment.wait(askAgain, run)
        step = async (run) => {
          await this.connection.open(run, device)
          this.set(run, await this.recognition.classify(run, device))
        }
      }
    }
  }

  #failed(run: AbortSignal, error: unknown): void {
    const code = codeOf(error)
    if (code === 'device-disconnected') this.connection.forgetGiven()
    if (code === 'device-changed') this.recognition.forgetShown()
    this.environment.report.failure(code, statusWordOf(error))
    const { device } = this.connection
    this.#damaged = damaged(code) ? (device ?? this.#damaged) : null
    this.connection.release()
    if (code === 'unsupported') {
      this.set(run, unsupported(dataOf(error, 'reason')))
    } else if (code === 'in-use-elsewhere' && dataOf(error, 'holder') === 'tab' && device) {
      this.#wanted = device
      this.set(run, { name: 'in-use', mute: dataOf(error, 'reason') === 'no-answer' })
    } else {
      this.set(run, { name: 'error', code, ...reasonOf(error) })
    }
  }
}

function firstState({ support, given }: Environment): State {
  if (given) return { name: 'opening' }
  return support.supported ? { name: 'start' } : unsupported(support.reason)
}

/** unsupported returns the state with what the user can do: use another browser, another address, or a tab of its own. */
function unsupported(reason: unknown): State {
  if (reason === 'permissions-policy') return { name: 'error', code: 'permission-denied', reason }
  return { name: 'unsupported', reason: reason === 'insecure-context' ? 'insecure-context' : 'no-webusb' }
}
