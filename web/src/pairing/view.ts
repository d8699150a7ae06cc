import type { Surroundings } from '../i18n/errors'
import { pairing as words } from '../i18n/pairing'
import type { Language } from '../i18n/text'
import { CodeInput } from './codeinput'
import { h } from './dom'
import { render, type Handlers } from './render'
import { entersCode, type State } from './state'

/** Actions are the handlers as the view calls them: it fetches the code from the boxes itself. */
export interface Actions extends Omit<Handlers, 'submit'> {
  submit(code: string, keep: boolean): void
}

export interface ViewOptions {
  readonly language: Language
  readonly surroundings: Surroundings
  readonly simulator: boolean
  /** The device was chosen before, and there is no other to choose. */
  readonly given?: boolean
  /** Whether the person may have the code kept. Default: true. */
  readonly offerKeep?: boolean
  readonly actions: Actions
}

/** View shows states in an element: it keeps the boxes while they are needed, moves the focus, tells screen readers. */
export class View {
  readonly #stage = h('div', { class: 'stage' })
  readonly #note = h('div', { class: 'state-note' })
  readonly #polite = h('p', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite', 'data-live': 'polite' })
  readonly #urgent = h('p', { class: 'visually-hidden', role: 'alert', 'aria-live': 'assertive', 'data-live': 'assertive' })
  readonly #keep = h('input', {
    type: 'checkbox',
    role: 'switch',
    class: 'switch-box',
    'data-control': 'keep',
    'aria-describedby': 'keep-text',
  })
  readonly #revealed = h('div', { class: 'revealed', role: 'group', tabindex: -1, translate: 'no' })
  readonly #code: CodeInput
  #language: Language
  #state: State | null = null

  constructor(
    root: HTMLElement,
    private readonly options: ViewOptions,
  ) {
    this.#language = options.language
    this.#code = new CodeInput(options.language, options.surroundings.platform === 'android', () => this.#submit())
    this.#keep.checked = this.#offersKeep
    root.append(this.#stage, this.#note, this.#polite, this.#urgent)
  }

  /** show draws a state. Without `first` it also moves the focus and announces it. */
  show(state: State, first = false): void {
    const before = this.#state
    this.#state = state
    if (!entersCode(state)) {
      this.#code.clear()
      this.#keep.checked = this.#offersKeep
    }
    if (state.name === 'wrong') this.#code.clear()
    this.#code.hold(state.name === 'checking' || state.name === 'stopping')
    if (state.name !== 'bound' || state.manage !== 'revealed') this.#conceal()

    const { element, focus, announcement, urgent } = this.#render(state)
    this.#stage.replaceChildren(element)
    this.#note.replaceChildren()
    if (state.name === 'wrong') this.#code.shake()
    if (first) return

    // The same sentence twice is told twice: an unchanged text would be passed over.
    this.#polite.textContent = ''
    this.#urgent.textContent = ''
    ;(urgent ? this.#urgent : this.#polite).textContent = announcement
    if (focus === 'code') this.#code.focus()
    else focus?.focus({ preventScroll: before !== null && before.name === state.name })
  }

  /** speak changes the language of what is shown. */
  speak(language: Language): void {
    this.#language = language
    this.#code.relabel(language)
    this.#note.replaceChildren()
    if (this.#state) this.#stage.replaceChildren(this.#render(this.#state).element)
  }

  /** note adds a remark below what is shown, until the next state, and announces it politely. */
  note(text: string, ...more: Node[]): void {
    this.#note.replaceChildren(h('p', { class: 'quiet' }, text), ...more)
    this.#polite.textContent = text
  }

  /**
   * reveal takes the code that this browser keeps, to show it in the state that comes next and no longer than that. It is
   * text on the page, each character for itself so that it is read out as such, and nothing else has it.
   */
  reveal(code: string): void {
    const characters = [...code].map((character) => h('span', {}, character))
    const half = characters.length / 2
    this.#revealed.replaceChildren(h('span', {}, ...characters.slice(0, half)), h('span', {}, ...characters.slice(half)))
  }

  /** leave empties the boxes and hides the code: the page goes away. */
  leave(): void {
    this.#code.clear()
    this.#conceal()
  }

  #conceal(): void {
    this.#revealed.replaceChildren()
  }

  get #offersKeep(): boolean {
    return this.options.offerKeep ?? true
  }

  #render(state: State) {
    this.#revealed.setAttribute('aria-label', words.codeGroup[this.#language])
    const { surroundings, simulator, given = false, actions } = this.options
    return render(state, {
      language: this.#language,
      surroundings,
      simulator,
      given,
      handlers: { ...actions, submit: () => this.#submit() },
      code: this.#code,
      keep: this.#offersKeep ? this.#keep : null,
      revealed: this.#revealed,
    })
  }

  #submit(): void {
    const code = this.#code.take()
    if (code !== undefined) this.options.actions.submit(code, this.#keep.checked)
  }
}
