/** Status is the device as the simulator's control API tells it, at every change. */
export interface Status {
  readonly serial: string
  readonly plugged: boolean
  readonly locked: boolean
  readonly wallet: boolean
  readonly binding: 'none' | 'code-shown' | 'bound'
  readonly screen: readonly string[]
  readonly codeAttemptsLeft: number
  readonly pinAttemptsLeft: number
  /** What kind of thing the screen shows. */
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

/** Outcome is what came of something that was done to the device: the state that it left, or why the device said no. */
export type Outcome = { readonly state: string } | { readonly reason: string | undefined; readonly message: string }

export type Button = 'ok' | 'cancel' | 'up' | 'down'

/** TraceEvent is one line of the trace. */
export interface TraceEvent {
  readonly n: number
  readonly time: string
  readonly kind: 'packet' | 'control' | 'apdu' | 'plug' | 'screen'
  readonly dir?: 'out' | 'in'
  readonly hex?: string
  readonly text: string
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
   * watch calls back with the device now and at every change, and with the text that says so; with 'lost' while the simulator cannot be reached, and
   * with 'none' where there is none: then nothing more comes.
   */
  watch(changed: (status: Status | 'lost' | 'none', state: string) => void): void {
    const events = new EventSource(`/sim/v1/events${this.#query}`)
    events.onmessage = (event: MessageEvent<string>) => changed(JSON.parse(event.data) as Status, event.data)
    // The browser connects again by itself unless something else answers there.
    events.onerror = () => changed(events.readyState === EventSource.CLOSED ? 'none' : 'lost', '')
  }

  /** post does something to the device. */
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

  async trace(): Promise<TraceEvent[]> {
    const answer = await fetch(`/sim/v1/trace${this.#query}`)
    if (!answer.ok) return []
    const lines = (await answer.text()).split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as TraceEvent)
  }
}

/** refusal reads an error answer. */
function refusal(text: string, status: number): Outcome {
  try {
    const { error } = JSON.parse(text) as { error?: { reason?: string; message?: unknown } }
    if (typeof error?.message === 'string') return { reason: error.reason, message: error.message }
  } catch {
    // Something else than the simulator answered; what it said is shown as it is.
  }
  return { reason: undefined, message: text.trim() || String(status) }
}
