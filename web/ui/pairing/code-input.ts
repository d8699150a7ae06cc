import { codeBox, codeIncomplete, codeRule, pairing as words } from '../words/pairing'
import type { Language } from '../words/text'
import { complete, empty, firstOpen, length, missing, reduce, suspicious, type Action, type Boxes } from './code'
import { h } from '../blocks/dom'

/**
 * CodeInput is the group of eight boxes. What the user types is in the value properties of the boxes and in #boxes, and
 * nowhere else: no attribute, form or event contains it.
 */
export class CodeInput {
  readonly element: HTMLElement
  readonly #inputs: HTMLInputElement[]
  readonly #group: HTMLElement
  readonly #hint: HTMLElement
  #boxes: Boxes = empty
  #language: Language
  #held = false

  /**
   * Calls submitted when the user presses Enter. With `eager`, characters are taken before a composition ends: keyboards on
   * Android compose every word, and end the composition only when the box is left. Input methods on desktops must finish.
   */
  constructor(
    language: Language,
    private readonly eager: boolean,
    submitted: () => void,
  ) {
    this.#language = language
    this.#inputs = Array.from({ length }, (_, i) => this.#input(i, submitted))
    this.#hint = h('p', { class: 'code-hint', id: 'code-hint', role: 'status', 'aria-live': 'polite' })
    const half = length / 2
    this.#group = h(
      'div',
      { class: 'code-boxes', role: 'group', 'aria-describedby': 'code-hint', translate: 'no' },
      h('div', { class: 'code-half' }, ...this.#inputs.slice(0, half)),
      h('div', { class: 'code-half' }, ...this.#inputs.slice(half)),
    )
    this.element = h('div', { class: 'code' }, this.#group, this.#hint)
    this.relabel(language)
  }

  relabel(language: Language): void {
    this.#language = language
    this.#group.setAttribute('aria-label', words.codeGroup[language])
    this.#inputs.forEach((input, i) => input.setAttribute('aria-label', codeBox(i + 1)[language]))
    if (this.#boxes.problem) this.#hint.textContent = codeRule[this.#boxes.problem][language]
    else this.#hint.textContent = ''
  }

  /** Returns the code. If it is incomplete, it returns undefined, says what is missing and moves the cursor there. */
  take(): string | undefined {
    const code = complete(this.#boxes)
    if (code !== undefined) return code
    const open = firstOpen(this.#boxes)
    this.#dispatch({ type: 'move', to: open })
    if (!this.#boxes.problem) this.#hint.textContent = codeIncomplete(missing(this.#boxes))[this.#language]
    return undefined
  }

  /** Makes the boxes read-only (true) while the device checks the code, or editable (false). */
  hold(held: boolean): void {
    this.#held = held
    for (const input of this.#inputs) input.readOnly = held
    this.#group.setAttribute('aria-busy', String(held))
    this.#group.classList.toggle('code-held', held)
  }

  /** Shakes the boxes once, after a wrong code. */
  shake(): void {
    this.#group.classList.remove('code-shake')
    void this.#group.offsetWidth // the browser must notice that the class was removed
    this.#group.classList.add('code-shake')
  }

  /** Empties the boxes. */
  clear(): void {
    this.#boxes = reduce(this.#boxes, { type: 'clear' })
    this.#sync(false)
  }

  focus(): void {
    const open = firstOpen(this.#boxes)
    this.#inputs[open >= 0 ? open : 0]!.focus()
  }

  #input(at: number, submitted: () => void): HTMLInputElement {
    let composing = false
    const input = h('input', {
      class: 'code-box',
      type: 'text',
      inputmode: 'text',
      enterkeyhint: at === length - 1 ? 'done' : 'next',
      autocomplete: 'off',
      autocorrect: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      writingsuggestions: 'false',
      'data-1p-ignore': 'true',
      'data-bwignore': 'true',
      'data-lpignore': 'true',
      'data-protonpass-ignore': 'true',
      'data-form-type': 'other',
      focus: () => {
        // A typed character replaces the one in the box.
        input.select()
        if (this.#boxes.at !== at) this.#boxes = reduce(this.#boxes, { type: 'move', to: at })
      },
      pointerup: () => input.select(),
      compositionstart: () => {
        composing = true
      },
      compositionend: () => {
        if (!composing) return // it was taken already
        composing = false
        this.#typed(at, input.value)
      },
      input: (event: Event) => {
        if (this.#held || (composing && !this.eager)) return
        composing = false
        const { data, inputType } = event as InputEvent
        if (input.value === '') this.#dispatch({ type: 'delete', at })
        // data is what was typed now. The value may still hold what was typed before.
        else this.#typed(at, inputType?.startsWith('insert') && data ? data : input.value)
      },
      paste: (event: Event) => {
        event.preventDefault()
        if (this.#held) return
        const text = (event as ClipboardEvent).clipboardData?.getData('text') ?? ''
        this.#dispatch({ type: 'paste', at, text })
      },
      drop: (event: Event) => {
        event.preventDefault()
        if (this.#held) return
        this.#dispatch({ type: 'paste', at, text: (event as DragEvent).dataTransfer?.getData('text') ?? '' })
      },
      keydown: (event: Event) => {
        const key = event as KeyboardEvent
        if (composing || key.isComposing || key.ctrlKey || key.metaKey || key.altKey) return
        if (key.key === 'Enter') {
          key.preventDefault()
          if (!this.#held) submitted()
          return
        }
        const action = keyAction(key.key, at)
        if (!action) return
        if (this.#held && action.type !== 'move') return
        key.preventDefault()
        this.#dispatch(action)
      },
    })
    return input
  }

  #typed(at: number, text: string): void {
    if (this.#held) return
    this.#dispatch({ type: 'insert', at, text })
  }

  #dispatch(action: Action): void {
    this.#boxes = reduce(this.#boxes, action)
    this.#sync(true)
  }

  /** Updates the boxes on the page. */
  #sync(focus: boolean): void {
    this.#inputs.forEach((input, i) => {
      const char = this.#boxes.chars[i]!
      if (input.value !== char) input.value = char
      const invalid = suspicious(char)
      input.classList.toggle('code-box-invalid', invalid)
      if (invalid) input.setAttribute('aria-invalid', 'true')
      else input.removeAttribute('aria-invalid')
    })
    const text = this.#boxes.problem ? codeRule[this.#boxes.problem][this.#language] : ''
    if (this.#hint.textContent !== text) this.#hint.textContent = text
    const target = this.#inputs[this.#boxes.at]!
    if (!focus) return
    // For a shadow tree, the document names only its host.
    const { activeElement } = target.getRootNode() as Document | ShadowRoot
    if (activeElement === target) target.select()
    else target.focus()
  }
}

/** keyAction returns what a key does in a box, or undefined if the browser handles the key. */
function keyAction(key: string, at: number): Action | undefined {
  switch (key) {
    case 'Backspace':
      return { type: 'backspace', at }
    case 'Delete':
      return { type: 'delete', at }
    case 'ArrowLeft':
      return { type: 'move', to: at - 1 }
    case 'ArrowRight':
      return { type: 'move', to: at + 1 }
    case 'Home':
      return { type: 'move', to: 0 }
    case 'End':
      return { type: 'move', to: length - 1 }
    default:
      return undefined
  }
}
