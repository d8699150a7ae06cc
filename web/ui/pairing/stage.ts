import type { Surroundings } from '../words/errors'
import { pairing as words } from '../words/pairing'
import type { Language } from '../words/text'
import { CodeInput } from './code-input'
import { h } from '../blocks/dom'
import type { Rendered } from '../blocks/view'
import { render, unloaded, type Context, type Entrances, type Handlers } from './render'
import { entersCode, isExceptional, type ExceptionalState, type State } from './state'

/** Actions are the handlers as the stage calls them: it takes the code from the boxes itself. */
export interface Actions extends Omit<Handlers, 'submit'> {
  readonly submit: (code: string, keep: boolean) => void
}

/** Draw draws what is to be shown. */
export type Draw = (context: Context) => Rendered

type DrawExceptional = (state: ExceptionalState, context: Context) => Rendered

export interface StageOptions {
  readonly language: Language
  readonly surroundings: Surroundings
  readonly simulator: boolean
  /** Whether the caller chose the device, so that the user cannot choose another one. */
  readonly given?: boolean
  /** Whether the user may choose to keep the code. Default: true. */
  readonly offerKeep?: boolean
  readonly actions: Actions
  readonly entrances?: Entrances
}

/**
 * Stage shows states in an element. It keeps the boxes from one state to the next, moves the focus, and announces states to
 * screen readers.
 */
export class Stage {
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
  #drawExceptional: DrawExceptional | null = null
  /** Counts the requests to show something. What is loaded after a newer request is not shown. */
  #asked = 0
  #shown: { readonly name: string; readonly draw: Draw } | null = null

  constructor(
    root: HTMLElement,
    private readonly options: StageOptions,
  ) {
    this.#language = options.language
    this.#code = new CodeInput(options.language, options.surroundings.platform === 'android', () => this.#submit())
    this.#keep.checked = this.#offersKeep
    root.append(this.#stage, this.#note, this.#polite, this.#urgent)
  }

  /**
   * Shows a state. Without `first`, it also moves the focus and announces the state. What draws exceptional states is loaded
   * first; secrets are removed at once. If the loading fails, the page says so.
   */
  show(state: State, first = false): Promise<void> | void {
    const asked = ++this.#asked
    if (!isExceptional(state)) return this.#showState(state, first)
    if (this.#drawExceptional) return this.#showExceptional(state, this.#drawExceptional, first)
    this.leave()
    return import('./exceptional').then(
      ({ render }) => {
        this.#drawExceptional = render
        if (asked === this.#asked) this.#showExceptional(state, render, first)
      },
      () => {
        if (asked === this.#asked) this.#show(state.name, (context) => unloaded(state, context), first, false, false)
      },
    )
  }

  /** Shows something that is not a state of the pairing. */
  showOther(name: string, draw: Draw): void {
    this.#asked++
    this.#show(name, draw, false, false, false)
  }

  /** Shows a state that differs little from the one that is shown. Nothing is announced, and the user's input stays. */
  redraw(state: Exclude<State, ExceptionalState>): void {
    this.#shown = { name: state.name, draw: (context) => render(state, context) }
    this.#redraw()
  }

  /** Changes the language. */
  speak(language: Language): void {
    this.#language = language
    this.#code.relabel(language)
    this.#note.replaceChildren()
    this.#redraw()
  }

  /** Shows a remark below the state until the next state, and announces it politely. */
  note(text: string, ...more: Node[]): void {
    this.#note.replaceChildren(h('p', { class: 'quiet' }, text), ...more)
    this.#polite.textContent = text
  }

  /**
   * Takes the code that this browser keeps. The next state shows it, and the code is removed with that state. Each character
   * has an element of its own, so that screen readers spell it. The code is kept nowhere else.
   */
  reveal(code: string): void {
    const characters = [...code].map((character) => h('span', {}, character))
    const half = characters.length / 2
    this.#revealed.replaceChildren(h('span', {}, ...characters.slice(0, half)), h('span', {}, ...characters.slice(half)))
  }

  /** Removes all secrets from the page: the code, and what is typed into the boxes and other secret fields. */
  leave(): void {
    this.#code.clear()
    this.#conceal()
    for (const field of this.#stage.querySelectorAll<HTMLInputElement>('[data-secret]')) field.value = ''
  }

  #showState(state: Exclude<State, ExceptionalState>, first: boolean): void {
    if (state.name === 'wrong') this.#code.clear()
    const boxes = entersCode(state)
    if (boxes) this.#code.hold(state.name === 'checking' || state.name === 'stopping')
    const revealed = state.name === 'bound' && state.manage === 'revealed'
    this.#show(state.name, (context) => render(state, context), first, boxes, revealed)
    if (state.name === 'wrong') this.#code.shake()
  }

  #showExceptional(state: ExceptionalState, draw: DrawExceptional, first: boolean): void {
    this.#show(state.name, (context) => draw(state, context), first, false, false)
  }

  #show(name: string, draw: Draw, first: boolean, boxes: boolean, revealed: boolean): void {
    const before = this.#shown
    this.#shown = { name, draw }
    if (!boxes) {
      this.#code.clear()
      this.#code.hold(false)
      this.#keep.checked = this.#offersKeep
    }
    if (!revealed) this.#conceal()

    const { element, focus, announcement, urgent } = draw(this.#context())
    this.#stage.replaceChildren(element)
    this.#note.replaceChildren()
    if (first) return

    // Screen readers pass over an unchanged text. It is emptied first, so that the same sentence is announced again.
    this.#polite.textContent = ''
    this.#urgent.textContent = ''
    ;(urgent ? this.#urgent : this.#polite).textContent = announcement
    if (focus === 'code') this.#code.focus()
    else focus?.focus({ preventScroll: true })
    // A new state is shown from its heading on. Within a state, only an answer that the user asked for is scrolled to.
    if (before?.name !== name) element.querySelector('h1')?.scrollIntoView({ block: 'nearest' })
    else if (focus !== 'code' && focus?.matches('.message, .revealed')) focus.scrollIntoView({ block: 'nearest' })
  }

  /** Draws again what is shown. The focus, the input and the open details stay. */
  #redraw(): void {
    if (!this.#shown) return
    const controls = () => [...this.#stage.querySelectorAll<HTMLElement>('[data-action], [data-control], summary, h1')]
    const before = controls()
    const at = before.indexOf(document.activeElement as HTMLElement)
    const folded = [...this.#stage.querySelectorAll('details')].map(({ open }) => open)
    const fields = [...this.#stage.querySelectorAll<HTMLInputElement>('.state input[data-control]:not([type=file])')]
    const { element } = this.#shown.draw(this.#context())
    for (const field of fields) {
      const same = element.querySelector<HTMLInputElement>(`[data-control="${field.dataset['control']}"]`)
      if (!same || same === field) continue
      same.type = field.type
      same.value = field.value
      same.checked = field.checked
      if (field.type !== 'checkbox' && field.type !== 'radio') same.dispatchEvent(new Event('input'))
      else if (field.checked) same.dispatchEvent(new Event('change'))
    }
    this.#stage.replaceChildren(element)
    const details = this.#stage.querySelectorAll('details')
    if (details.length === folded.length) details.forEach((one, i) => (one.open = folded[i]!))
    const had = before[at]
    if (!had) return
    const alike = controls().filter((one) => key(one) === key(had))
    alike[before.filter((one) => key(one) === key(had)).indexOf(had)]?.focus({ preventScroll: true })
  }

  #conceal(): void {
    this.#revealed.replaceChildren()
  }

  get #offersKeep(): boolean {
    return this.options.offerKeep ?? true
  }

  #context(): Context {
    this.#revealed.setAttribute('aria-label', words.codeGroup[this.#language])
    const { surroundings, simulator, given = false, actions, entrances } = this.options
    return {
      language: this.#language,
      surroundings,
      simulator,
      given,
      handlers: { ...actions, submit: () => this.#submit() },
      entrances,
      code: this.#code,
      keep: this.#offersKeep ? this.#keep : null,
      revealed: this.#revealed,
    }
  }

  #submit(): void {
    const code = this.#code.take()
    if (code !== undefined) this.options.actions.submit(code, this.#keep.checked)
  }
}

/** key identifies a control before and after it is drawn again. */
function key(control: HTMLElement): string {
  return `${control.localName} ${control.dataset['action'] ?? ''} ${control.dataset['control'] ?? ''}`
}
