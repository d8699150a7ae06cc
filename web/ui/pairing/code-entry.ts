import { codeOf, Refused, statusWordOf } from '../model/failure'
import type { DeviceFacts } from '../model/facts'
import type { Device, Shown } from '../model/sdk'
import type { Connection } from './connection'
import type { Environment } from './environment'
import type { Recognition } from './recognition'
import { entersCode, type CodeSource, type State } from './state'
import type { Visit } from './visit'

/** CodeEntry leads from a recognised device to its binding: the warnings, the code, the check. */
export class CodeEntry {
  #source: CodeSource = 'screen'
  /** Whether the user chose to keep the code, the last time that it was submitted. */
  #keep = false
  /** Whether the code makes a new key for a device that is bound to this browser. */
  #renew = false
  /** The device whose views and warnings led to the code. The code is for this one only. */
  #shown: Shown | null = null

  constructor(
    private readonly environment: Environment,
    private readonly connection: Connection,
    private readonly recognition: Recognition,
    private readonly visit: Visit,
  ) {}

  goOn(): Promise<void> {
    const { state } = this.visit
    const { device } = this.connection
    if (!device) return Promise.resolve()
    const elsewhere = this.recognition.status === 'bound-elsewhere'
    switch (state.name) {
      case 'recognised':
      case 'reset':
      case 'rebound':
        if (state.device.certificate === 'unverified') return this.visit.show({ name: 'unverified', device: state.device })
        return elsewhere ? this.visit.show({ name: 'elsewhere', device: state.device }) : this.#askCode(device, state.device)
      case 'unverified':
        if (state.imported) return this.#accept(device, state.device)
        return elsewhere ? this.visit.show({ name: 'elsewhere', device: state.device }) : this.#askCode(device, state.device)
      case 'elsewhere':
        return this.#askCode(device, state.device)
      default:
        return Promise.resolve()
    }
  }

  /** Asks for the code, to make a new key for the device that is bound to this browser. */
  renewKey(): Promise<void> {
    const { state } = this.visit
    const { device } = this.connection
    if (state.name !== 'bound' || !state.plugged || !device) return Promise.resolve()
    return this.#askCode(device, state.device, true)
  }

  showAgain(): Promise<void> {
    const { device } = this.connection
    if (!device || !entersCode(this.visit.state)) return Promise.resolve()
    return this.visit.start(async (run) => {
      await device.showBindingCode()
      this.visit.set(run, this.#code('shown-again'))
    })
  }

  submit(code: string, keep: boolean): Promise<void> {
    const { state } = this.visit
    const { device } = this.connection
    const shown = this.#shown
    if (!device || !shown || (state.name !== 'code' && state.name !== 'wrong')) return Promise.resolve()
    const source = this.#source
    return this.visit.start(async (run) => {
      this.visit.set(run, { name: 'checking', source, attention: false })
      const onInteraction = (event: Event) => {
        const { state } = (event as CustomEvent<{ state?: string }>).detail
        this.visit.set(run, { name: 'checking', source, attention: state === 'waiting' })
      }
      device.addEventListener('interaction', onInteraction)
      this.#keep = keep
      try {
        const binding = device.bind(code, {
          signal: run,
          rememberCode: keep,
          shown,
          acceptUnverified: shown.certificate === 'unverified',
          ...(this.#renew && { newKey: true }),
        })
        this.connection.leaveBehind(binding)
        await binding
      } catch (error) {
        if (await this.#refused(run, device, error)) return
        throw error
      } finally {
        device.removeEventListener('interaction', onInteraction)
      }
      const bound = await this.recognition.bound(run, device, !this.#renew, keep)
      this.visit.set(run, this.#renew ? { ...bound, manage: 'renewed' } : bound)
    })
  }

  /** Stops a check and asks the device how it ended. */
  stop(device: Device): Promise<void> {
    return this.visit.start(async (run) => {
      this.visit.set(run, { name: 'stopping', source: this.#source })
      if (!(await this.connection.idle(run))) throw new Refused('timeout')
      const status = await this.recognition.ask(device)
      // A device that was bound before does not say which key it has: the user may make a new one again.
      if (status === 'bound') this.visit.set(run, await this.recognition.bound(run, device, !this.#renew, this.#keep))
      else this.visit.set(run, this.#code('aborted'))
    })
  }

  #accept(device: Device, { shown }: DeviceFacts): Promise<void> {
    return this.visit.start(async (run) => {
      this.visit.set(run, { name: 'opening' })
      await this.recognition.accept(device, shown)
      this.visit.set(run, await this.recognition.classify(run, device))
    })
  }

  #code(notice?: 'shown-again' | 'aborted' | 'code-format'): State {
    return { name: 'code', source: this.#source, ...(this.#renew && { renew: true }), ...(notice && { notice }) }
  }

  #askCode(device: Device, { shown }: DeviceFacts, renew = false): Promise<void> {
    this.#shown = shown
    this.#renew = renew
    this.#source = !renew && this.recognition.status === 'bound-elsewhere' ? 'paper' : 'screen'
    return this.visit.start(async (run) => {
      this.visit.set(run, this.#code())
      // A device that is bound elsewhere does not show its code. Any other does, as often as it is asked.
      if (this.#source === 'screen') await device.showBindingCode()
    })
  }

  /** Shows why a binding failed if the code can be entered again. It returns false if it cannot. */
  async #refused(run: AbortSignal, device: Device, error: unknown): Promise<boolean> {
    if (run.aborted) return false
    const source = this.#source
    const code = codeOf(error)
    switch (code) {
      case 'wrong-code': {
        this.environment.report.failure(code, statusWordOf(error))
        // A real device does not say how many tries are left.
        const { simulator } = this.environment
        const triesLeft = simulator?.serial === device.info.serial ? await simulator.tries() : null
        this.visit.set(run, { name: 'wrong', source, ...(this.#renew && { renew: true }), triesLeft })
        return true
      }
      case 'code-format':
        this.environment.report.failure(code)
        this.visit.set(run, this.#code('code-format'))
        return true
      default:
        return false
    }
  }
}
