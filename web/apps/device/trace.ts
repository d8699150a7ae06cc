import { device as words } from '../../ui/words/device'
import type { Language } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import type { Control, TraceEvent } from '../../ui/simulator/control'

/** The most lines that are shown. The newest come first. */
const limit = 300

/** Trace shows the packets and APDUs, while it is open. */
export class Trace {
  readonly element: HTMLDetailsElement
  readonly #title = h('summary')
  readonly #text = h('p', { class: 'quiet' })
  readonly #label = h('span')
  readonly #packets = h('input', { type: 'checkbox', 'data-control': 'packets', change: () => this.refresh() })
  readonly #list = h('ol', { class: 'trace', reversed: true, translate: 'no' })
  #language: Language = 'en'
  #reading = false
  #again = false

  constructor(private readonly control: Control) {
    this.element = h(
      'details',
      { class: 'more panel', 'data-panel': 'trace', toggle: () => this.refresh() },
      this.#title,
      h('div', { class: 'panel-inside' }, this.#text, h('label', { class: 'tick' }, this.#packets, this.#label), this.#list),
    )
  }

  draw(language: Language): void {
    this.#language = language
    this.#title.textContent = words.trace[language]
    this.#text.textContent = words.traceText[language]
    this.#label.textContent = words.tracePackets[language]
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
    void this.control
      .trace()
      .then((events) => this.#fill(events))
      .catch(() => undefined) // the page already says that the simulator does not answer
      .finally(() => {
        this.#reading = false
        if (this.#again) {
          this.#again = false
          this.refresh()
        }
      })
  }

  #fill(events: readonly TraceEvent[]): void {
    const wanted = events.filter((event) => this.#packets.checked || (event.kind !== 'packet' && event.kind !== 'control'))
    const lines = wanted.slice(-limit).reverse()
    this.#list.replaceChildren(
      ...lines.map((event) =>
        h(
          'li',
          { class: `trace-${event.kind}` },
          h('span', { class: 'trace-time' }, event.time.slice(11, 23)),
          h('span', { class: 'trace-text' }, `${event.dir === 'out' ? '→ ' : event.dir === 'in' ? '← ' : ''}${event.text}`),
          this.#packets.checked && event.hex ? h('code', { class: 'trace-hex' }, event.hex) : null,
        ),
      ),
    )
    if (lines.length === 0) this.#list.append(h('li', {}, words.traceEmpty[this.#language]))
  }
}
