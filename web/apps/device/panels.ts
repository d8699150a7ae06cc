import { device as words, refusals } from '../../ui/words/device'
import type { Language, Text } from '../../ui/words/text'
import { h, type Child } from '../../ui/blocks/dom'
import type { Control } from '../../ui/simulator/control'

/** Panels are the actions on the device besides its buttons, in panels that open and close. */
export class Panels {
  readonly element = h('div', { class: 'panels' })
  readonly #message = h('p', { class: 'message', role: 'status', 'aria-live': 'polite' })
  #language: Language = 'en'
  /** The device's state after the last action, as long as the page shows the result of that action. */
  #after: string | null = null

  constructor(private readonly control: Control) {}

  draw(language: Language): void {
    this.#language = language
    this.quiet()
    const open = new Set([...this.element.querySelectorAll('details[open]')].map((panel) => panel.getAttribute('data-panel')))
    const panels = [this.#wallet(), this.#pin(), this.#power(), this.#reset()]
    for (const panel of panels) panel.open = open.has(panel.getAttribute('data-panel'))
    this.element.replaceChildren(this.#message, ...panels)
  }

  /** Opens the panel with this name, for a link that leads to it. */
  unfold(name: string): void {
    for (const panel of this.element.querySelectorAll<HTMLDetailsElement>('details')) {
      if (panel.getAttribute('data-panel') !== name) continue
      panel.open = true
      panel.scrollIntoView({ block: 'nearest' })
      panel.querySelector('summary')?.focus({ preventScroll: true })
    }
  }

  #wallet(): HTMLDetailsElement {
    const phrase = h('textarea', {
      id: 'mnemonic',
      rows: 3,
      autocomplete: 'off',
      autocapitalize: 'off',
      autocorrect: 'off',
      spellcheck: 'false',
      'data-1p-ignore': 'true',
      'data-lpignore': 'true',
      translate: 'no',
    })
    const restore = () => {
      const mnemonic = phrase.value.trim().toLowerCase().split(/\s+/)
      if (mnemonic.length !== 12 && mnemonic.length !== 24) return this.#say(words.mnemonicCount, true)
      phrase.value = ''
      this.#post('wallet', { mnemonic: mnemonic.join(' ') })
    }
    return this.#panel(
      'wallet',
      words.walletMenu,
      h('p', { class: 'quiet' }, this.#t(words.createText)),
      h(
        'div',
        { class: 'pair' },
        this.#button('create-12', words.create12, () => this.#post('wallet', { words: 12 })),
        this.#button('create-24', words.create24, () => this.#post('wallet', { words: 24 })),
      ),
      this.#field(words.mnemonic, phrase),
      h('p', { class: 'quiet' }, this.#t(words.mnemonicText)),
      this.#button('restore', words.restore, restore),
    )
  }

  #pin(): HTMLDetailsElement {
    const pin = (id: string) =>
      h('input', {
        type: 'text',
        id,
        inputmode: 'numeric',
        autocomplete: 'off',
        maxlength: 12,
        'data-1p-ignore': 'true',
        'data-lpignore': 'true',
      })
    const send = (input: HTMLInputElement, call: string) => {
      if (!/^\d{4,12}$/.test(input.value)) return this.#say(words.pinForm, true)
      const { value } = input
      input.value = ''
      this.#post(call, { pin: value })
    }
    const fresh = pin('pin-new')
    const given = pin('pin-given')
    return this.#panel(
      'pin',
      words.pinMenu,
      this.#line(
        this.#field(words.pinNew, fresh),
        this.#button('pin', words.pinSet, () => send(fresh, 'pin')),
      ),
      this.#line(
        this.#field(words.pinUnlock, given),
        this.#button('unlock', words.unlock, () => send(given, 'unlock')),
      ),
      this.#button('lock', words.lock, () => this.#post('lock')),
    )
  }

  #power(): HTMLDetailsElement {
    const percent = h('input', { type: 'text', id: 'battery', inputmode: 'numeric', autocomplete: 'off', maxlength: 3 })
    const battery = () => {
      const value = Number(percent.value)
      if (!/^\d{1,3}$/.test(percent.value) || value > 100) return this.#say(words.batteryRange, true)
      this.#post('battery', { percent: value })
    }
    return this.#panel(
      'power',
      words.powerMenu,
      h(
        'div',
        { class: 'pair' },
        this.#button('menu', words.menu, () => this.#post('menu')),
        this.#button('home', words.home, () => this.#post('home')),
      ),
      this.#line(this.#field(words.battery, percent), this.#button('battery', words.batterySet, battery)),
      this.#button('powercut', words.powerCut, () => this.#post('powercut')),
      h('p', { class: 'quiet' }, this.#t(words.powerCutText)),
    )
  }

  #reset(): HTMLDetailsElement {
    const slot = h('div', { class: 'pair' })
    const ask = () => {
      const button = this.#button('reset', words.resetAsk, sure)
      button.classList.add('button-danger')
      slot.replaceChildren(button)
      return button
    }
    const sure = () => {
      const erase = this.#button('reset-sure', words.resetSure, () => {
        ask().focus()
        this.#post('reset')
      })
      erase.classList.add('button-danger')
      const keep = this.#button('reset-keep', words.resetKeep, () => ask().focus())
      slot.replaceChildren(keep, erase)
      keep.focus()
    }
    ask()
    return this.#panel('reset', words.resetMenu, h('p', { class: 'note note-warning' }, this.#t(words.resetText)), slot)
  }

  #panel(name: string, title: Text, ...children: Child[]): HTMLDetailsElement {
    return h(
      'details',
      { class: 'more panel', 'data-panel': name },
      h('summary', {}, this.#t(title)),
      h('div', { class: 'panel-inside' }, ...children),
    )
  }

  #line(...children: Child[]): HTMLElement {
    return h('div', { class: 'line' }, ...children)
  }

  #field(label: Text, input: HTMLElement): HTMLElement {
    return h('div', { class: 'field' }, h('label', { for: input.id }, this.#t(label)), input)
  }

  #button(action: string, text: Text, press: () => void): HTMLButtonElement {
    return h('button', { type: 'button', class: 'button button-secondary', 'data-action': action, click: press }, this.#t(text))
  }

  /** Performs an action and shows its result. */
  #post(call: string, body?: object): void {
    this.quiet()
    void this.control.post(call, body).then((outcome) => {
      if ('state' in outcome) {
        this.#say(words.done)
        this.#after = outcome.state
        return
      }
      const known = outcome.reason === undefined ? undefined : refusals[outcome.reason]
      this.#tell(known ? this.#t(known) : `${this.#t(words.refused)} ${outcome.message}`, true)
    })
  }

  /** Hides the result of the last action, because the user does something else. */
  quiet(): void {
    this.#after = null
    this.#tell('', false)
  }

  /** Hides the result of the last action if the device's state has changed since then. */
  changed(state: string): void {
    if (this.#after !== null && this.#after !== state) this.quiet()
  }

  #say(text: Text, bad = false): void {
    this.#tell(this.#t(text), bad)
  }

  #tell(text: string, bad: boolean): void {
    this.#message.classList.toggle('message-error', bad)
    this.#message.textContent = text
  }

  #t(text: Text): string {
    return text[this.#language]
  }
}
