// The request window: it shows one request at a time and answers for the user.

import { h } from '../blocks/dom'
import { platformOf } from '../model/platform'
import { request as words } from '../words/request'
import type { Language } from '../words/text'
import { Attention, deliberately, type Obstacle, observe, pageSight, windowSight } from './attention'
import { queueText, render, type Drawn } from './render'
import type { Answer } from '../../broker/types'
import type { State } from './state'

export interface RequestOptions {
  readonly language: Language
  /** Is called once for each request that the user decides on. */
  readonly onAnswer: (answer: Answer) => void
  /** Is called when the user cancels what the device asks. The id is that of the request. */
  readonly onCancel: (id: string) => void
  /** Is called when the user has read how a request ended and no other one waits. A window may close then. */
  readonly onClose?: () => void
  /**
   * Is called in the user's click, where the device could not be reached: the browser may have lost the permission to use it, which looks like
   * a device that is not plugged in. It opens the browser's chooser, or a page that does. Without it, nothing is offered.
   */
  readonly onChoose?: () => void
  /** Whether the screen is in a dialog of the page that asks, whose size is that page's own. Otherwise a site may have chosen it. */
  readonly modal?: boolean
}

/** RequestScreen shows the states of requests in an element. */
export interface RequestScreen {
  /**
   * show shows a state. A request never replaces another one that the user has not answered, nor the sentence how that one ended: it
   * waits until the user goes on.
   */
  show(state: State): void
  /** speak changes the language. */
  speak(language: Language): void
  /** close removes everything. */
  close(): void
}

/** mountRequest makes a RequestScreen in an element. The page has to have ui/request/request.css. */
export function mountRequest(root: HTMLElement, options: RequestOptions): RequestScreen {
  return new Screen(root, options)
}

/** The states that say how a request ended. The user has to go on before another request is shown. */
const ends = new Set<State['name']>(['withdrawn', 'done', 'rejected', 'failed', 'chosen'])

/** What the user does about an obstacle. */
const toDo = { 'small': words.tooSmall, 'off-screen': words.offScreen, 'unseen': words.unseen } satisfies Record<Obstacle, object>

class Screen implements RequestScreen {
  readonly #stage = h('div', { class: 'stage' })
  readonly #polite = h('p', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite', 'data-live': 'polite' })
  readonly #urgent = h('p', { class: 'visually-hidden', role: 'alert', 'aria-live': 'assertive', 'data-live': 'assertive' })
  readonly #options: RequestOptions
  #language: Language
  #state: State = { name: 'idle' }
  /** The state that is shown when the user goes on. */
  #next: State | undefined
  /** The request that the user answered: its screen takes no further press. */
  #answered: string | undefined
  #drawn: Drawn | undefined
  #attention: Attention | undefined
  #unobserve = () => {}

  constructor(root: HTMLElement, options: RequestOptions) {
    this.#options = options
    this.#language = options.language
    root.append(this.#stage, this.#polite, this.#urgent)
    this.#draw()
  }

  show(state: State): void {
    const shown = this.#state
    if (this.#holds(state)) {
      this.#next = state
      this.#refreshEnd()
      return
    }
    if (shown.name === 'asking' && state.name === 'asking' && shown.review.id === state.review.id) {
      // Only the queue can have changed.
      this.#state = { ...shown, waiting: state.waiting ?? [] }
      this.#drawn!.queue!.textContent = queueText(state.waiting ?? [], this.#language)
      return
    }
    this.#state = state
    this.#draw()
  }

  speak(language: Language): void {
    this.#language = language
    this.#draw(false)
  }

  close(): void {
    this.#release()
    this.#stage.remove()
    this.#polite.remove()
    this.#urgent.remove()
  }

  /** #holds reports whether a state has to wait, because the user has not finished with another request. */
  #holds(state: State): boolean {
    const shown = this.#state
    if (shown.name === 'idle') return false
    const same = 'review' in state && state.review.id === shown.review.id
    if (same) return false
    if (ends.has(shown.name)) return true
    return shown.name === 'asking' && this.#answered !== shown.review.id
  }

  /** #refreshEnd says on the screen of an ended request that another one waits. */
  #refreshEnd(): void {
    if (ends.has(this.#state.name)) this.#draw(false)
  }

  #onwards(): void {
    const next = this.#next
    this.#next = undefined
    this.#state = next ?? { name: 'idle' }
    this.#draw()
    if (!next || next.name === 'idle') this.#options.onClose?.()
  }

  #answer(yes: boolean, choice: Omit<Answer, 'id' | 'yes'> = {}): void {
    if (this.#state.name !== 'asking') return
    const { id } = this.#state.review
    if (this.#answered === id) return
    this.#answered = id
    this.#drawn?.guarded?.button.setAttribute('aria-disabled', 'true')
    this.#options.onAnswer({ id, yes, ...choice })
  }

  #draw(anew = true): void {
    this.#release()
    const at = this.#stage.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['action'] : undefined
    const state = this.#state
    const drawn = render(state, {
      language: this.#language,
      where: { platform: platformOf(navigator.userAgent), framed: false },
      next: this.#next !== undefined && this.#next.name !== 'idle',
      guard: (button, press) => deliberately(button, () => this.#attention?.ready ?? false, press),
      handlers: {
        reject: (all) => this.#answer(false, all ? { all } : {}),
        accept: (choice) => this.#answer(true, choice),
        cancel: () => {
          if (state.name !== 'idle') this.#options.onCancel(state.review.id)
        },
        next: () => this.#onwards(),
        choose: this.#options.onChoose,
      },
    })
    this.#drawn = drawn
    this.#stage.replaceChildren(drawn.element)
    // A second click of a double click, or a key that is still held down, was meant for what was here before.
    for (const button of drawn.element.querySelectorAll<HTMLElement>('.request-actions button')) {
      button.addEventListener('click', (event) => event.detail > 1 && event.stopImmediatePropagation(), { capture: true })
      button.addEventListener('keydown', (event) => event.repeat && event.preventDefault())
    }
    if (drawn.guarded) this.#watch(drawn.element, drawn.guarded)
    if (!anew) {
      if (at !== undefined) drawn.element.querySelector<HTMLElement>(`[data-action="${at}"]`)?.focus({ preventScroll: true })
      return
    }
    this.#polite.textContent = ''
    this.#urgent.textContent = ''
    ;(drawn.urgent ? this.#urgent : this.#polite).textContent = drawn.announcement
    // From here, the first press of Tab reaches the first button.
    drawn.element.focus({ preventScroll: true })
    drawn.element.scrollIntoView({ block: 'start' })
  }

  /** #watch lets the button act once the user has seen it, who asks and what happens for long enough. */
  #watch(element: HTMLElement, { button, texts, obstacle: line }: NonNullable<Drawn['guarded']>): void {
    const attention = new Attention(this.#options.modal ? pageSight : windowSight, texts.length, (ready, obstacle) => {
      if (this.#state.name !== 'asking' || this.#answered === this.#state.review.id) return
      button.setAttribute('aria-disabled', String(!ready))
      element.setAttribute('data-ready', String(ready))
      // In another size the text is at another place.
      if (element.dataset['obstacle'] === 'small') element.scrollIntoView({ block: 'start' })
      if (obstacle) element.setAttribute('data-obstacle', obstacle)
      else element.removeAttribute('data-obstacle')
      line.textContent = obstacle ? toDo[obstacle][this.#language] : ''
    })
    this.#attention = attention
    attention.inView(false)
    const stops = [
      observe(button, (inView) => attention.inView(inView)),
      ...texts.map((text, i) => observe(text, (inView) => attention.textInView(i, inView))),
    ]
    this.#unobserve = () => stops.forEach((stop) => stop())
  }

  #release(): void {
    this.#attention?.stop()
    this.#attention = undefined
    this.#unobserve()
    this.#unobserve = () => {}
  }
}
