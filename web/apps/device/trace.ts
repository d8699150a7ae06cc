import { device as words } from '../../ui/words/device'
import type { Language } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import type { Control } from '../../ui/simulator/control'
import { moments, sequence, type Make, type Moment } from '../../ui/simulator/sequence'

/** The most moments that are shown: the newest. */
const limit = 300

/** make gives the diagram elements of this document. */
const make: Make<HTMLElement> = (tag, attributes, ...children) => h(tag, attributes, ...children)

/** Trace shows the screens and the exchange, while it is open. The newest moment is the last one. */
export class Trace {
  readonly element: HTMLDetailsElement
  readonly #title = h('summary')
  readonly #text = h('p', { class: 'quiet' })
  readonly #label = h('span')
  readonly #packets = h('input', { type: 'checkbox', 'data-control': 'packets', change: () => this.refresh() })
  readonly #list = h('div', { class: 'trace', tabindex: 0, role: 'region', scroll: () => this.#scrolled() })
  #language: Language = 'en'
  /** The reader sees the newest moment, and has not scrolled back. */
  #following = true
  #reading = false
  #again = false

  constructor(private readonly control: Control) {
    this.element = h(
      'details',
      { class: 'more panel', 'data-panel': 'trace', toggle: () => this.refresh() },
      this.#title,
      h('div', { class: 'panel-inside' }, this.#text, h('label', { class: 'tick' }, this.#packets, this.#label), this.#list),
    )
    new ResizeObserver(() => this.#follow()).observe(this.#list) // lines break elsewhere
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#list
    this.#following = scrollTop + clientHeight >= scrollHeight - 4
  }

  /** Shows the newest moment to a reader who has not scrolled back. */
  #follow(): void {
    if (this.#following) this.#list.scrollTop = this.#list.scrollHeight
  }

  draw(language: Language): void {
    this.#language = language
    this.#title.textContent = words.trace[language]
    this.#text.textContent = words.traceText[language]
    this.#label.textContent = words.tracePackets[language]
    this.#list.setAttribute('aria-label', words.trace[language])
    this.refresh()
  }

  /** Reads the trace if it is open. Calls while it is being read are combined into one more reading. */
  refresh(): void {
    if (!this.element.open) return
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    void this.#read()
      .then((list) => this.#fill(list))
      .catch(() => undefined) // the page already says that the simulator does not answer
      .finally(() => {
        this.#reading = false
        if (this.#again) {
          this.#again = false
          this.refresh()
        }
      })
  }

  async #read(): Promise<Moment[]> {
    const [trace, history] = await Promise.all([this.control.trace(), this.control.history()])
    return moments(trace, history, { packets: this.#packets.checked }).slice(-limit)
  }

  #fill(list: readonly Moment[]): void {
    const { scrollTop } = this.#list
    this.#list.replaceChildren(sequence(make, list, this.#language, clock))
    this.#list.scrollTop = scrollTop
    this.#follow()
  }
}

/** clock writes a time as the user's clock shows it, with milliseconds. */
function clock(time: number): string {
  const at = new Date(time)
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0'))
  return `${hours}:${minutes}:${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
