import type { Closing, Manager, ManagerEnvironment } from '../../ui/management/manager'
import { managing, type ManageState } from '../../ui/management/state'
import type { Language } from '../../ui/words/text'
import type { KnownFacts } from '../../ui/model/facts'
import type { State } from '../../ui/pairing/state'
import type { Stage } from '../../ui/pairing/stage'

type Module = typeof import('../../ui/management/management')

/**
 * ManagementLoader loads the management of devices when there is a known device, or when the user asks for it. A first pairing
 * loads nothing else of the management.
 */
export class ManagementLoader {
  #loading: Promise<readonly [Module, Manager]> | null = null
  #module: Module | null = null
  #manager: Manager | null = null
  #devices: readonly KnownFacts[] = []

  /**
   * `pairing` returns the state of the pairing. `opened` is called before every state of the management that is shown in its
   * place. `closed` is called when the pairing is to be shown again.
   */
  constructor(
    private readonly environment: Pick<ManagerEnvironment, 'imkey' | 'simulatorKeys' | 'report' | 'save' | 'connectTo'>,
    private readonly stage: () => Stage,
    private readonly pairing: () => State,
    private readonly opened: () => void,
    private readonly closed: (closing: Closing) => void,
  ) {}

  /** Reports whether a state of the management is shown. */
  get open(): boolean {
    return (this.#manager?.state ?? null) !== null
  }

  /** Shows the known devices, if this site has stored anything in this browser. */
  async refresh(): Promise<void> {
    if (await storedSomething()) await (await this.manager()).refresh()
  }

  /** Loads the management. */
  async manager(): Promise<Manager> {
    return (await this.#load())[1]
  }

  leave(): void {
    this.#manager?.close()
  }

  /** Adds the known devices to the state `start` of the pairing. */
  withKnown<S extends State>(state: S): S {
    return state.name === 'start' && this.#devices.length > 0 && this.#module ? { ...state, devices: this.#devices } : state
  }

  /** Draws the known devices. The module is loaded before there are any. */
  list(devices: readonly KnownFacts[], language: Language): HTMLElement {
    return this.#module!.list(devices, language, (seid) => this.#manager!.open(seid))
  }

  /** Shows a state of the management, for tests. A state of the pairing is returned; what it needs is loaded. */
  async draw(state: State | ManageState): Promise<State | null> {
    if (!managing(state)) {
      if ('devices' in state) await this.#load()
      return state
    }
    const [module, manager] = await this.#load()
    this.stage().showOther(state.name, (context) => module.render(state, context, manager))
    return null
  }

  #load(): Promise<readonly [Module, Manager]> {
    this.#loading ??= this.#begin()
    this.#loading.catch(() => {
      this.#loading = null // the next press loads it again
    })
    return this.#loading
  }

  async #begin(): Promise<readonly [Module, Manager]> {
    const module = await import('../../ui/management/management')
    const manager = new module.Manager({
      ...this.environment,
      show: (state, closing = 'returned') => {
        if (!state) return this.closed(closing)
        this.opened()
        this.stage().showOther(state.name, (context) => module.render(state, context, manager))
      },
      list: (devices) => {
        const before = JSON.stringify(this.#devices)
        this.#devices = devices
        const state = this.pairing()
        const anew = JSON.stringify(devices) !== before
        if (state.name === 'start' && !this.open && anew) this.stage().redraw(this.withKnown(state))
      },
    })
    this.#module = module
    this.#manager = manager
    return [module, manager]
  }
}

/**
 * storedSomething reports whether this site has a database in this browser. Without one there is no known device, and the
 * management need not be loaded.
 */
async function storedSomething(): Promise<boolean> {
  try {
    return (await indexedDB.databases()).length > 0
  } catch {
    return false // blocked storage holds nothing
  }
}
