import type { Language, Text } from '../words/text'
import { h, type Child } from './dom'
import { draw, type Picture } from './drawing'

/** Rendered is one state as elements. */
export interface Rendered {
  readonly element: HTMLElement
  /** Where the focus goes, or 'code' for the boxes; null leaves it where it is. */
  readonly focus: HTMLElement | 'code' | null
  /** What a screen reader is told, and whether at once. */
  readonly announcement: string
  readonly urgent: boolean
}

/** View gathers the parts that all states have: the picture, a heading, a sentence, the buttons. */
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

  /** progress says that something goes on; how far it is nobody knows. */
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
