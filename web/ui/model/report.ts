import type { ErrorCode } from 'imkey-connect'
import type { DeviceFacts } from './facts'

/** BrowserFacts is what a report says about the page and the browser. */
export interface BrowserFacts {
  /** The version of imkey-connect. */
  readonly version: string
  /** The name of the script. */
  readonly script: string
  readonly userAgent: string
  readonly languages: readonly string[]
  readonly webusb: boolean
  readonly secure: boolean
  readonly framed: boolean
}

/** The most events that a report lists. It keeps the last ones. */
const limit = 200

/**
 * Report collects what helps to find the cause of an error: versions, the last four characters of the serial number, the
 * states and error codes with their times. It never gets a binding code, a key or an SEID, so it cannot contain them.
 */
export class Report {
  readonly #events: { readonly time: Date; readonly text: string }[] = []
  #device: DeviceFacts | null = null

  constructor(
    private readonly browser: BrowserFacts,
    private readonly now: () => Date,
  ) {}

  /** Adds a state that is shown: a description of it, and the device if the state has one. */
  state(text: string, device?: DeviceFacts): void {
    if (device) this.#device = device
    this.#add(text)
  }

  /** Adds an error, whether or not the state `error` shows it. */
  failure(code: ErrorCode, statusWord?: number): void {
    const word = statusWord === undefined ? '' : ` (${statusWord.toString(16).toUpperCase().padStart(4, '0')})`
    this.#add(`failed: ${code}${word}`)
  }

  /** Adds that there is a simulated device. */
  simulated(): void {
    this.#add('simulated device')
  }

  /** Returns the report as text. */
  text(): string {
    const { version, script, userAgent, languages, webusb, secure, framed } = this.browser
    const device = this.#device
    const lines = [
      `imkey-connect ${version}, ${script}`,
      `written ${this.now().toISOString()}`,
      `browser ${userAgent}`,
      `languages ${languages.join(', ')}`,
      `WebUSB ${yes(webusb)}, secure context ${yes(secure)}, in an iframe ${yes(framed)}`,
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

function yes(value: boolean): string {
  return value ? 'yes' : 'no'
}
