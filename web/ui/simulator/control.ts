import type { faultKinds } from './faultkinds.gen'

/** Status is the state of the device in the simulator's control API. */
export interface Status {
  readonly serial: string
  readonly plugged: boolean
  readonly locked: boolean
  readonly wallet: boolean
  readonly binding: 'none' | 'code-shown' | 'bound'
  readonly screen: readonly string[]
  readonly codeAttemptsLeft: number
  readonly pinAttemptsLeft: number
  /** The kind of the screen. */
  readonly showing: Showing
}

export type Showing =
  | 'nothing'
  | 'home'
  | 'menu'
  | 'pin'
  | 'words'
  | 'restoring'
  | 'code'
  | 'question'
  | 'notice'
  | 'boot-loader'
  | 'recording'

/** Outcome is the result of an action on the device: the state after it, or the reason why the device refused it. */
export type Outcome = { readonly state: string } | { readonly reason: string | undefined; readonly message: string }

export type Button = 'ok' | 'cancel' | 'up' | 'down'

/** TraceEvent is one line of the trace: a packet or an APDU. */
export interface TraceEvent {
  readonly n: number
  readonly time: string
  readonly kind: 'packet' | 'control' | 'apdu' | 'plug' | 'screen'
  readonly dir?: 'out' | 'in'
  readonly hex?: string
  readonly text: string
  /** Why a packet or a control request failed. */
  readonly fault?: string
}

/** HistoryEvent is one line of the history: what the screen shows, or what the user did. */
export interface HistoryEvent {
  readonly time: string
  readonly kind: 'screen' | 'user' | 'faults'
  readonly screen?: readonly string[]
  readonly action?: string
  readonly button?: Button
  readonly hold?: boolean
  readonly faults?: readonly ArmedFault[]
}

/** FaultKind names what a fault does. */
export type FaultKind = keyof typeof faultKinds

/** ArmedFault is a fault that is armed. */
export interface ArmedFault {
  readonly on: 'in' | 'out'
  readonly packet: number
  readonly do: FaultKind
  readonly count?: number
}

/** Control is the simulator's control API for one device. */
export class Control {
  readonly #query: string

  constructor(search: string) {
    const device = new URLSearchParams(search).get('device')
    this.#query = device === null ? '' : `?device=${encodeURIComponent(device)}`
  }

  get query(): string {
    return this.#query
  }

  /**
   * Calls back with the device's status now and at every change, and with the text of the event. It calls back with 'lost'
   * while the simulator cannot be reached. With 'none', there is no simulator, and nothing more comes.
   */
  watch(changed: (status: Status | 'lost' | 'none', state: string) => void): void {
    const events = new EventSource(`/sim/v1/events${this.#query}`)
    events.onmessage = (event: MessageEvent<string>) => changed(JSON.parse(event.data) as Status, event.data)
    // The browser reconnects by itself unless another server answers.
    events.onerror = () => changed(events.readyState === EventSource.CLOSED ? 'none' : 'lost', '')
  }

  /** Performs an action on the device. */
  async post(call: string, body: object = {}): Promise<Outcome> {
    try {
      const answer = await fetch(`/sim/v1/device/${call}${this.#query}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
      const text = await answer.text()
      return answer.ok ? { state: text.trim() } : refusal(text, answer.status)
    } catch (error) {
      return { reason: 'unreachable', message: (error as Error).message }
    }
  }

  trace(): Promise<TraceEvent[]> {
    return this.#lines<TraceEvent>('trace')
  }

  history(): Promise<HistoryEvent[]> {
    return this.#lines<HistoryEvent>('history')
  }

  async #lines<Event>(call: string): Promise<Event[]> {
    const answer = await fetch(`/sim/v1/${call}${this.#query}`)
    if (!answer.ok) return []
    const lines = (await answer.text()).split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as Event)
  }
}

/** refusal reads the answer to a refused action. */
function refusal(text: string, status: number): Outcome {
  try {
    const { error } = JSON.parse(text) as { error?: { reason?: string; message?: unknown } }
    if (typeof error?.message === 'string') return { reason: error.reason, message: error.message }
  } catch {
    // It is no answer of the simulator. It is shown unchanged.
  }
  return { reason: undefined, message: text.trim() || String(status) }
}
