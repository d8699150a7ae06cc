import { shownOf, type ManagementOutcome } from '../model/facts'
import { codeOf, dataOf } from '../model/failure'
import type { Device, Shown } from '../model/sdk'
import type { Connection } from './connection'
import type { Environment } from './environment'
import type { Recognition } from './recognition'
import { damaged, unmanaged, type BoundState, type State } from './state'
import type { Visit } from './visit'

/** How long the code stays on the page, in milliseconds. */
const codeShownFor = 30_000

/** BindingActions do what the user asks for with a binding: view its code, forget it. */
export class BindingActions {
  /** The state that forget was called in. */
  #unforgotten: State | null = null
  /** The device that the question of forget is about. */
  #asked: Shown | null = null

  constructor(
    private readonly environment: Environment,
    private readonly connection: Connection,
    private readonly recognition: Recognition,
    private readonly visit: Visit,
  ) {}

  viewCode(): Promise<void> {
    return this.#manage(async (run, device, state) => {
      const { shown } = state.device
      let code: string
      try {
        code = await device.revealBindingCode({
          signal: run,
          // An unverified device is bound only by a deliberate choice. A user who views its code has made that choice.
          shown,
          acceptUnverified: shown.certificate === 'unverified',
        })
      } catch (error) {
        if (codeOf(error) !== 'not-bound' || dataOf(error, 'reason') !== 'not-remembered') throw error
        this.visit.set(run, { ...state, manage: 'not-remembered' })
        return
      }
      run.throwIfAborted()
      this.environment.reveal?.(code)
      this.visit.set(run, { ...state, manage: 'revealed' })
      await this.environment.wait(codeShownFor, run)
      this.visit.set(run, { ...state, manage: 'hidden' })
    })
  }

  hideCode(): Promise<void> {
    const { state } = this.visit
    if (state.name !== 'bound') return Promise.resolve()
    if (state.manage === 'revealed') return this.visit.show({ ...state, manage: 'hidden' })
    return state.manage === 'asking' ? this.visit.show(unmanaged(state)) : Promise.resolve()
  }

  showOnDevice(): Promise<void> {
    return this.#manage(async (run, device, state) => {
      await device.showBindingCode()
      this.visit.set(run, { ...state, manage: 'on-screen' })
    })
  }

  returned(manage: ManagementOutcome): Promise<void> {
    const { state } = this.visit
    return state.name === 'bound' && state.plugged ? this.visit.show({ ...state, manage }) : Promise.resolve()
  }

  forget(): Promise<void> {
    const { state, damagedDevice } = this.visit
    if ((state.name === 'bound' || state.name === 'rebound') && this.connection.device) {
      this.#unforgotten = state.name === 'bound' ? unmanaged(state) : state
      this.#asked = state.device.shown
      return this.visit.show({ name: 'forget', serial: state.device.serial, ...(state.name === 'rebound' && { former: true }) })
    }
    if (state.name === 'error' && damaged(state.code) && damagedDevice) {
      this.#unforgotten = state
      this.#asked = shownOf(damagedDevice.info)
      return this.visit.show({ name: 'forget', serial: this.#asked.serial, damage: state.code })
    }
    return Promise.resolve()
  }

  keepBinding(): Promise<void> {
    if (this.visit.state.name !== 'forget' || !this.#unforgotten) return Promise.resolve()
    return this.visit.show(this.#unforgotten)
  }

  forgetNow(): Promise<void> {
    const { state, damagedDevice } = this.visit
    const device = this.connection.device ?? damagedDevice
    const shown = this.#asked
    if (state.name !== 'forget' || state.going || !device || !shown) return Promise.resolve()
    return this.visit.start(async (run) => {
      this.visit.set(run, { ...state, going: true })
      await this.connection.open(run, device)
      await device.forget({ shown })
      run.throwIfAborted()
      if (this.environment.given) return this.visit.set(run, await this.recognition.classify(run, device))
      this.connection.release()
      this.visit.set(run, { name: 'start', forgotten: true })
    })
  }

  async refresh(): Promise<void> {
    const { state } = this.visit
    const { device } = this.connection
    if (state.name !== 'bound' || !device) return
    const facts = await this.recognition.look(device)
    if (this.visit.state === state && JSON.stringify(facts) !== JSON.stringify(state.device)) {
      await this.visit.show({ ...state, device: facts })
    }
  }

  /** Does something with the binding, and shows that the device is asked until it is done. */
  #manage(flow: (run: AbortSignal, device: Device, state: BoundState) => Promise<void>): Promise<void> {
    const { state } = this.visit
    const { device } = this.connection
    if (state.name !== 'bound' || !state.plugged || !device) return Promise.resolve()
    return this.visit.start(async (run) => {
      this.visit.set(run, { ...state, manage: 'asking' })
      await flow(run, device, state)
    })
  }
}
