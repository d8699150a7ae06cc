import { faultKinds } from '../../ui/simulator/faultkinds.gen'
import { amount, amounts, directions, fault as sentence, faults as words, kinds } from '../../ui/words/faults'
import type { Language, Text } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'

type Kind = keyof typeof faultKinds
type Direction = (typeof faultKinds)[Kind]['on'][number]

/** Fault is one fault of the control API: see imkeysim -h. */
interface Fault {
  readonly on: Direction
  readonly packet: number
  readonly do: Kind
  readonly bytes?: number
  readonly ms?: number
  readonly count?: number
}

/** Amount is the number that a kind of fault needs. */
interface Amount {
  readonly name: 'bytes' | 'ms'
  readonly min: number
  readonly max: number
}

/** amountOf returns the number that a kind needs, if it needs one. */
function amountOf(kind: Kind): Amount | undefined {
  const row: { readonly on: readonly Direction[]; readonly number?: Amount } = faultKinds[kind]
  return row.number
}

/** Faults arms one fault at a time, and shows all faults that are armed, also by others. */
export class Faults {
  readonly element: HTMLDetailsElement
  readonly #title = h('summary')
  readonly #text = h('p', { class: 'quiet' })
  readonly #kind = h('select', { id: 'fault-kind', change: () => this.#fit() })
  readonly #direction = h('select', { id: 'fault-on' })
  readonly #packet = number('fault-packet', '1')
  readonly #count = number('fault-count', '1')
  readonly #amount = number('fault-amount', '0')
  readonly #amountLabel = h('label', { for: 'fault-amount' })
  readonly #amountField = h('div', { class: 'field' }, this.#amountLabel, this.#amount)
  readonly #labels = { kind: label(this.#kind), direction: label(this.#direction), packet: label(this.#packet), count: label(this.#count) }
  readonly #arm = button('fault-arm', () => void this.#send('POST', [this.#chosen()]))
  readonly #clear = button('fault-clear', () => void this.#send('DELETE'))
  readonly #state = h('p', { class: 'message', role: 'status', 'aria-live': 'polite', 'data-armed': '' })
  readonly #call: string
  #language: Language = 'en'
  #list: readonly Fault[] = []

  constructor(query: string) {
    this.#call = `/sim/v1/faults${query}`
    for (const kind of Object.keys(faultKinds)) this.#kind.append(h('option', { value: kind }))
    for (const direction of Object.keys(directions)) this.#direction.append(h('option', { value: direction }))
    const { kind, direction, packet, count } = this.#labels
    this.element = h(
      'details',
      { class: 'more panel', 'data-panel': 'faults', toggle: () => void this.#read() },
      this.#title,
      h(
        'div',
        { class: 'panel-inside' },
        this.#text,
        field(kind, this.#kind),
        field(direction, this.#direction),
        h('div', { class: 'line' }, field(packet, this.#packet), field(count, this.#count)),
        this.#amountField,
        h('div', { class: 'pair' }, this.#arm, this.#clear),
        this.#state,
      ),
    )
    this.#fit()
  }

  draw(language: Language): void {
    this.#language = language
    this.#title.textContent = this.#t(words.menu)
    this.#text.textContent = this.#t(words.text)
    this.#labels.kind.textContent = this.#t(words.kind)
    this.#labels.direction.textContent = this.#t(words.direction)
    this.#labels.packet.textContent = this.#t(words.packet)
    this.#labels.count.textContent = this.#t(words.count)
    this.#arm.textContent = this.#t(words.arm)
    this.#clear.textContent = this.#t(words.clear)
    for (const option of this.#kind.options) option.textContent = this.#t(kinds[option.value as Kind])
    for (const option of this.#direction.options) option.textContent = this.#t(directions[option.value as Direction])
    this.#fit()
    this.#tell()
  }

  /** Shows the fields of the chosen kind: its directions, and its number if it needs one. */
  #fit(): void {
    const kind = this.#kind.value as Kind
    const on: readonly Direction[] = faultKinds[kind].on
    this.#direction.disabled = on.length === 1
    if (on.length === 1) this.#direction.value = on[0] as Direction
    const number = amountOf(kind)
    this.#amountField.hidden = !number
    if (!number) return
    this.#amountLabel.textContent = this.#t(amount(amounts[kind as keyof typeof amounts], number.min, number.max))
    const value = Number(this.#amount.value)
    if (value < number.min || value > number.max) this.#amount.value = number.name === 'ms' ? '3000' : String(number.min)
  }

  #chosen(): Fault {
    const kind = this.#kind.value as Kind
    const number = amountOf(kind)
    return {
      on: this.#direction.value as Direction,
      packet: Number(this.#packet.value),
      do: kind,
      count: Number(this.#count.value),
      ...(number ? { [number.name]: Number(this.#amount.value) } : {}),
    }
  }

  async #send(method: 'POST' | 'DELETE', list?: readonly Fault[]): Promise<void> {
    try {
      const answer = await fetch(this.#call, {
        method,
        headers: { 'Content-Type': 'application/json' },
        ...(list ? { body: JSON.stringify(list) } : {}),
      })
      if (answer.ok) return await this.#read()
      const { error } = (await answer.json()) as { error: { message: string } }
      this.#refused(error.message)
    } catch (error) {
      this.#refused((error as Error).message)
    }
  }

  /** Reads what is armed: by this page, by a program, or when the simulator was started. */
  async #read(): Promise<void> {
    if (!this.element.open) return
    try {
      const answer = await fetch(this.#call)
      if (!answer.ok) return
      this.#list = (await answer.json()) as Fault[]
      this.#tell()
    } catch {
      // The page already says that the simulator does not answer.
    }
  }

  #tell(): void {
    const list = this.#list.map((f) => this.#t(sentence(kinds[f.do], directions[f.on], f.packet, f.count || 1)))
    this.#state.classList.remove('message-error')
    this.#state.setAttribute('data-armed', String(list.length))
    this.#state.textContent = list.length === 0 ? this.#t(words.none) : `${this.#t(words.armed)} ${list.join('; ')}`
  }

  #refused(reason: string): void {
    this.#state.classList.add('message-error')
    this.#state.textContent = `${this.#t(words.refused)} ${reason}`
  }

  #t(text: Text): string {
    return text[this.#language]
  }
}

function number(id: string, value: string): HTMLInputElement {
  return h('input', { type: 'text', id, inputmode: 'numeric', autocomplete: 'off', maxlength: 10, value })
}

function label(control: HTMLElement): HTMLLabelElement {
  return h('label', { for: control.id })
}

function field(name: HTMLElement, control: HTMLElement): HTMLElement {
  return h('div', { class: 'field' }, name, control)
}

function button(action: string, press: () => void): HTMLButtonElement {
  return h('button', { type: 'button', class: 'button button-secondary', 'data-action': action, click: press })
}
