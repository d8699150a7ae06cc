import { dapp as words } from '../../ui/words/dapp'
import type { Language } from '../../ui/words/text'
import { h, svg } from '../../ui/blocks/dom'
import type { SimulatorFacts } from '../../ui/simulator/simulator'
import { Control, type Button } from '../../ui/simulator/control'
import { askedOn, type Shown } from './requests'

const rows = 4

const marks: Readonly<Record<Button, string>> = {
  up: 'M6 14 L12 8 L18 14',
  down: 'M6 10 L12 16 L18 10',
  cancel: 'M7 7 L17 17 M17 7 L7 17',
  ok: 'M5 12 L10 17 L19 7',
}

const labels = { up: words.up, down: words.down, cancel: words.cancelKey, ok: words.ok } as const

/** What the drawn screen says if the device's own screen cannot be read. The device's screen is in English. */
const asks = ['', '    Confirm?    ', '  OK / cancel   ', '']
const dark = ['', '', '', '']
const idle = ['', '     imKey', '', '']

/**
 * DeviceView draws the device: that it asks the user and, with a simulator, its screen and its buttons. The simulated screen is
 * read only while it asks about a request of this page: at other times it may show the binding code.
 */
export class DeviceView {
  readonly element: HTMLElement
  readonly #lines = Array.from({ length: rows }, () => h('span', { class: 'unit-line' }))
  readonly #screen = h('div', { class: 'unit-screen', role: 'img', translate: 'no' }, ...this.#lines)
  readonly #keys = new Map<Button, HTMLButtonElement>()
  readonly #pad = h('div', { class: 'unit-pad', role: 'group' })
  readonly #control: Control | null
  #events: EventSource | null = null
  #language: Language = 'en'
  #plugged = true

  constructor(private readonly simulator: SimulatorFacts | null) {
    this.#control = simulator && new Control(simulator.query)
    if (this.#control) {
      for (const button of ['up', 'down', 'cancel', 'ok'] as const) {
        const key = h(
          'button',
          { type: 'button', class: 'unit-knob', 'data-button': button, click: () => void this.#control?.post('press', { button }) },
          svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: marks[button] })),
        )
        this.#keys.set(button, key)
        this.#pad.append(key)
      }
    }
    this.element = h('div', { class: 'unit' }, this.#screen, this.#control && this.#pad)
    this.#show(idle, false)
  }

  draw(language: Language): void {
    this.#language = language
    this.#pad.setAttribute('aria-label', words.buttons[language])
    for (const [button, key] of this.#keys) {
      key.setAttribute('aria-label', labels[button][language])
      key.title = labels[button][language]
    }
  }

  get isPlugged(): boolean {
    return this.#plugged
  }

  /** Draws the device plugged in (true) or unplugged (false). */
  plugged(on: boolean): void {
    if (on === this.#plugged) return
    this.#plugged = on
    this.asking(false)
  }

  /** Shows the device's question while it asks the user (true), or the device at rest (false). */
  asking(on: boolean): void {
    this.#events?.close()
    this.#events = null
    this.#show(on ? asks : this.#plugged ? idle : dark, on)
    if (!on || !this.simulator) return
    const events = new EventSource(`/sim/v1/events${this.simulator.query}`)
    this.#events = events
    events.onmessage = (event: MessageEvent<string>) => {
      if (this.#events !== events) return
      const lines = askedOn(JSON.parse(event.data) as Shown)
      // Another device than the simulated one asks, or the user has answered.
      this.#show(lines ?? asks, lines !== null)
    }
  }

  #show(lines: readonly string[], pressable: boolean): void {
    this.#lines.forEach((line, i) => {
      const text = lines[i] ?? ''
      if (line.textContent !== text) line.textContent = text
    })
    this.#screen.setAttribute('aria-label', `${words.screen[this.#language]}: ${lines.join(' ').replace(/\s+/g, ' ').trim()}`)
    this.element.classList.toggle('unit-asking', lines !== idle && lines !== dark)
    this.element.classList.toggle('unit-unplugged', lines === dark)
    for (const key of this.#keys.values()) key.disabled = !pressable
  }
}
