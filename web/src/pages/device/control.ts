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
  /** The screen asks for OK or cancel. */
  readonly asking?: boolean
}

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
   * watch calls back with the device now and at every change, with 'lost' while the simulator cannot be reached, and
   * with 'none' where there is none: then nothing more comes.
   */
  watch(changed: (status: Status | 'lost' | 'none') => void): void {
    const events = new EventSource(`/sim/v1/events${this.#query}`)
    events.onmessage = (event: MessageEvent<string>) => changed(JSON.parse(event.data) as Status)
    // The browser connects again by itself unless something else answers there.
    events.onerror = () => changed(events.readyState === EventSource.CLOSED ? 'none' : 'lost')
  }

  /** post does something to the device; it resolves with what the device objected to, or undefined. */
  async post(call: string, body: object = {}): Promise<string | undefined> {
    try {
      const answer = await fetch(`/sim/v1/device/${call}${this.#query}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (answer.ok) return undefined
      return sentence(await answer.text()) || String(answer.status)
    } catch (error) {
      return (error as Error).message
    }
  }

  async trace(): Promise<TraceEvent[]> {
    const answer = await fetch(`/sim/v1/trace${this.#query}`)
    if (!answer.ok) return []
    const lines = (await answer.text()).split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as TraceEvent)
  }
}

/** sentence takes the message out of an error answer. */
function sentence(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    if (typeof error?.message === 'string') return error.message.replace(/^devicesim: /, '')
  } catch {
    // Something else than the simulator answered; what it said is shown as it is.
  }
  return text.trim()
}
