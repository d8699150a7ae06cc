import { device as words } from '../../ui/words/device'
import type { Language, Text } from '../../ui/words/text'
import { h, svg } from '../../ui/blocks/dom'
import type { Button, Status } from '../../ui/simulator/control'

const rows = 4
const columns = 16

const marks: Readonly<Record<Button, string>> = {
  up: 'M6 14 L12 8 L18 14',
  down: 'M6 10 L12 16 L18 10',
  cancel: 'M7 7 L17 17 M17 7 L7 17',
  ok: 'M5 12 L10 17 L19 7',
}

const keys: Readonly<Record<string, Button>> = { ArrowUp: 'up', ArrowDown: 'down', Enter: 'ok', Escape: 'cancel' }

/** How long a button must be down to count as held, in milliseconds. */
const holdAfter = 800

/** Body draws the device: the cable, the screen, the four buttons. */
export class Body {
  readonly element: HTMLElement
  readonly #lines = Array.from({ length: rows }, () => h('span', { class: 'screen-line' }))
  readonly #screen = h(
    'div',
    { class: 'screen', role: 'log', 'aria-live': 'polite', 'aria-atomic': 'true', translate: 'no' },
    ...this.#lines,
  )
  readonly #cable: HTMLButtonElement
  readonly #keys = new Map<Button, HTMLButtonElement>()
  readonly #pad: HTMLElement
  #plugged = true
  /** The button that is down, until it is released or counts as held. */
  #down: { button: Button; timer: ReturnType<typeof setTimeout> } | null = null

  constructor(
    private readonly press: (button: Button, hold: boolean) => void,
    cable: (plug: boolean) => void,
  ) {
    this.#cable = h(
      'button',
      { type: 'button', class: 'cable', 'data-action': 'cable', click: () => cable(!this.#plugged) },
      svg(
        'svg',
        { viewBox: '0 0 44 72', 'aria-hidden': 'true' },
        svg('path', { class: 'cable-wire', d: 'M22 0 V46' }),
        svg('rect', { class: 'cable-plug', x: 10, y: 40, width: 24, height: 26, rx: 4 }),
        svg('rect', { class: 'cable-tip', x: 14, y: 66, width: 16, height: 6 }),
      ),
    )
    for (const button of ['up', 'down', 'cancel', 'ok'] as const) {
      this.#keys.set(
        button,
        h(
          'button',
          {
            type: 'button',
            class: 'knob',
            'data-button': button,
            pointerdown: (event) => {
              if ((event as PointerEvent).button === 0) this.#push(button)
            },
            pointerup: () => this.#release(),
            pointerleave: () => this.#drop(),
            pointercancel: () => this.#drop(),
            contextmenu: (event) => event.preventDefault(), // a long touch would open a menu
            // A click without a pointer comes from Enter, the space key or a screen reader.
            click: (event) => {
              if ((event as MouseEvent).detail === 0) press(button, false)
            },
          },
          svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: marks[button] })),
        ),
      )
    }
    this.#pad = h('div', { class: 'pad', role: 'group' }, ...this.#keys.values())
    this.element = h('div', { class: 'held' }, this.#cable, h('div', { class: 'shell' }, this.#screen, this.#pad))
    document.addEventListener('keydown', (event) => {
      const button = keys[event.key]
      if (!button || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
      const target = event.target as Element
      // In fields, and on buttons and links, the keys have their usual meaning.
      if (target.closest('input, textarea')) return
      if (event.key === 'Enter' && target.closest('button, a, summary')) return
      event.preventDefault()
      if (!event.repeat) this.#push(button)
    })
    document.addEventListener('keyup', (event) => {
      if (this.#down && keys[event.key] === this.#down.button) this.#release()
    })
    window.addEventListener('blur', () => this.#drop())
  }

  draw(status: Status | null, language: Language): void {
    const t = (text: Text) => text[language]
    this.#plugged = status?.plugged ?? false
    this.element.classList.toggle('held-unplugged', !this.#plugged)
    const lines = status?.screen ?? []
    this.#lines.forEach((line, i) => {
      const text = [...(lines[i] ?? '')].slice(0, columns).join('')
      if (line.textContent !== text) line.textContent = text
    })
    this.#screen.setAttribute('aria-label', t(lines.some((line) => line.trim() !== '') ? words.screen : words.screenEmpty))
    this.#pad.setAttribute('aria-label', t(words.buttons))
    for (const [button, element] of this.#keys) {
      element.setAttribute('aria-label', t(words[button]))
      element.title = t(words[button])
      element.disabled = status?.showing === 'recording'
    }
    const cable = t(this.#plugged ? words.unplug : words.plug)
    this.#cable.setAttribute('aria-label', cable)
    this.#cable.title = cable
    this.#cable.disabled = status === null
  }

  #push(button: Button): void {
    this.#drop()
    this.#keys.get(button)!.classList.add('knob-pressed')
    const timer = setTimeout(() => {
      this.#drop()
      this.press(button, true)
    }, holdAfter)
    this.#down = { button, timer }
  }

  #release(): void {
    const button = this.#drop()
    if (button) this.press(button, false)
  }

  #drop(): Button | undefined {
    const down = this.#down
    if (!down) return undefined
    this.#down = null
    clearTimeout(down.timer)
    this.#keys.get(down.button)!.classList.remove('knob-pressed')
    return down.button
  }
}
