import type { Language, Text } from '../words/text'
import { h, type Child } from './dom'
import { draw, type Picture } from './drawing'

/** Rendered is one state, drawn. */
export interface Rendered {
  readonly element: HTMLElement
  /** The element that gets the focus, or 'code' for the boxes. With null, the focus stays where it is. */
  readonly focus: HTMLElement | 'code' | null
  /** What screen readers say, and whether they interrupt what they are saying. */
  readonly announcement: string
  readonly urgent: boolean
}

/** View builds what the user sees of one state: the picture, a heading, a sentence, the buttons. */
export class View {
  readonly element: HTMLElement
  #heading: HTMLElement | null = null
  #spoken: string[] = []

  constructor(
    state: { readonly name: string },
    picture: Picture,
    private readonly context: { readonly language: Language },
  ) {
    this.element = h('section', { class: 'state', 'data-state': state.name }, draw(picture, context.language))
  }

  heading(text: Text, mark: Child = null, extra = ''): void {
    const words = text[this.context.language]
    this.#heading = h('h1', { tabindex: -1, class: extra || null }, mark, words)
    this.#spoken.push(words)
    this.element.append(this.#heading)
  }

  lead(text: Text): void {
    const words = text[this.context.language]
    this.#spoken.push(words)
    this.element.append(h('p', { class: 'lead' }, words))
  }

  warning(...texts: Text[]): void {
    const words = texts.map((text) => text[this.context.language])
    this.#spoken.push(...words)
    this.element.append(h('div', { class: 'note note-warning' }, ...words.map((words) => h('p', {}, words))))
  }

  text(text: Text, kind: string | null = null): void {
    this.element.append(h('p', { class: kind }, text[this.context.language]))
  }

  add(...children: Child[]): void {
    for (const child of children) if (child) this.element.append(child)
  }

  /** Adds a bar that shows that something is under way, without showing how much of it is done. */
  progress(): void {
    this.add(h('div', { class: 'progress', 'aria-hidden': 'true' }))
  }

  actions(...buttons: Child[]): void {
    this.add(h('div', { class: 'actions' }, ...buttons))
  }

  spoken(): string {
    return this.#spoken.join(this.context.language === 'zh' ? '。' : '. ').replace(/([.。:：?？])[.。]\s?/g, '$1 ')
  }

  rendered(focus: HTMLElement | null = this.#heading): Rendered {
    return { element: this.element, focus, announcement: this.spoken(), urgent: false }
  }
}
