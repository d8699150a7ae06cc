import type { Closing, Manager, ManagerEnvironment } from '../../ui/management/manager'
import { managing, type ManageState } from '../../ui/management/state'
import type { Language } from '../../ui/words/text'
import type { KnownFacts } from '../../ui/model/facts'
import type { State } from '../../ui/pairing/state'
import type { Stage } from '../../ui/pairing/stage'

type Module = typeof import('../../ui/management/management')

/**
 * ManagementLoader is what a first pairing loads of the management of devices: the way to it. The rest comes when this browser
 * knows a device, or when somebody asks for it.
 */
export class ManagementLoader {
  #loading: Promise<readonly [Module, Manager]> | null = null
  #module: Module | null = null
  #manager: Manager | null = null
  #devices: readonly KnownFacts[] = []

  /**
   * `pairing` gives what is shown while nothing is managed; `opened` is told of every state of the management that is shown
   * in its place, before that is; `closed` is told when the pairing is in sight again.
   */
  constructor(
    private readonly environment: Pick<ManagerEnvironment, 'imkey' | 'simulatorKeys' | 'report' | 'save' | 'connectTo'>,
    private readonly stage: () => Stage,
    private readonly pairing: () => State,
    private readonly opened: () => void,
    private readonly closed: (closing: Closing) => void,
  ) {}

  /** Whether a state of the management is shown. */
  get open(): boolean {
    return (this.#manager?.state ?? null) !== null
  }

  /** Tells of the devices that this browser knows, if it has ever stored anything. */
  async begin(): Promise<void> {
    if (await storedSomething()) await (await this.manager()).refresh()
  }

  /** Loads the rest. */
  async manager(): Promise<Manager> {
    return (await this.#load())[1]
  }

  leave(): void {
    this.#manager?.close()
  }

  /** shown is a state of the pairing with the devices that this browser knows. */
  shown<S extends State>(state: S): S {
    return state.name === 'start' && this.#devices.length > 0 && this.#module ? { ...state, devices: this.#devices } : state
  }

  /** list draws those devices; there are none before it is loaded. */
  list(devices: readonly KnownFacts[], language: Language): HTMLElement {
    return this.#module!.list(devices, language, (seid) => this.#manager!.open(seid))
  }

  /** draw shows any state of the management, and loads what a state needs; a test looks at it. */
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
      this.#loading = null // the next press loads it anew
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
        if (state.name === 'start' && !this.open && anew) this.stage().redraw(this.shown(state))
      },
    })
    this.#module = module
    this.#manager = manager
    return [module, manager]
  }
}


/**
 * storedSomething says whether this site has a database in this browser: where it has none, no device is known, and what
 * would say so need not be loaded.
 */
async function storedSomething(): Promise<boolean> {
  try {
    return (await indexedDB.databases()).length > 0
  } catch {
    return false // blocked storage holds nothing
  }
}
