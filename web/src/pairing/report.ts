import type { ErrorCode } from '../i18n/codes'
import type { DeviceFacts, State } from './state'

/** Environment is what a report says about the page and the browser. */
export interface Environment {
  readonly version: string
  readonly userAgent: string
  readonly languages: readonly string[]
  readonly webusb: boolean
  readonly secure: boolean
  readonly framed: boolean
}

/** The most events that a report lists: enough for a visit, and bounded. */
const limit = 200

/**
 * Report gathers what helps whoever looks into a fault: versions, the serial's last four characters, the states and
 * error codes with their times. It never sees the code, a key or the SEID, so it cannot tell them.
 */
export class Report {
  readonly #events: { readonly time: Date; readonly text: string }[] = []
  #device: DeviceFacts | null = null

  constructor(
    private readonly environment: Environment,
    private readonly now: () => Date,
  ) {}

  state(state: State): void {
    if ('device' in state) this.#device = state.device
    this.#add(describe(state))
  }

  /** Adds a failure that became another state than 'error', such as a wrong code. */
  failure(code: ErrorCode, statusWord?: number): void {
    const word = statusWord === undefined ? '' : ` (${statusWord.toString(16).toUpperCase().padStart(4, '0')})`
    this.#add(`failed: ${code}${word}`)
  }

  simulated(): void {
    this.#add('simulated device')
  }

  text(): string {
    const { version, userAgent, languages, webusb, secure, framed } = this.environment
    const device = this.#device
    const lines = [
      `imkey-connect ${version}`,
      `written ${this.now().toISOString()}`,
      `browser ${userAgent}`,
      `languages ${languages.join(', ')}`,
      `WebUSB ${yes(webusb)}, secure context ${yes(secure)}, in a frame ${yes(framed)}`,
    ]
    if (device) {
      lines.push(
        `imKey …${device.serial.slice(-4)}, firmware ${device.firmware ?? '?'}, boot loader ${device.bootloader ?? '?'}, ` +
          `Bluetooth ${device.bleVersion ?? '?'}, battery ${device.charging ? 'charging' : `${device.battery ?? '?'} %`}, ` +
          `certificate ${device.certificate}`,
      )
    }
    for (const event of this.#events) lines.push(`${event.time.toISOString().slice(11, 23)} ${event.text}`)
    return lines.join('\n') + '\n'
  }

  #add(text: string): void {
    this.#events.push({ time: this.now(), text })
    if (this.#events.length > limit) this.#events.shift()
  }
}

function describe(state: State): string {
  switch (state.name) {
    case 'error':
      return `error ${state.code}`
    case 'waiting':
      return `waiting ${state.reason}`
    case 'unsupported':
      return `unsupported ${state.reason}`
    case 'code':
      return `code from the ${state.source}${state.notice ? `, ${state.notice}` : ''}`
    case 'checking':
      return state.attention ? 'checking, the device waits for its person' : 'checking'
    case 'wrong':
      return state.triesLeft === null ? 'wrong' : `wrong, ${state.triesLeft} left`
    case 'bound':
      return `bound ${state.fresh ? 'now' : 'before'}${state.manage ? `, code ${state.manage}` : ''}`
    case 'start':
      return state.devices ? `start, ${state.devices.length} known` : 'start'
    case 'several':
      return `several, ${state.choices.length}`
    case 'in-use':
      return state.mute ? 'in use in another tab, which does not answer' : 'in use in another tab'
    case 'forget':
      return state.going ? 'forgetting' : 'asked whether to forget'
    default:
      return state.name
  }
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no'
}
