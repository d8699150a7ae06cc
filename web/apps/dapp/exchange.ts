import { known } from '../../ui/words/codes'
import { dapp as words, minedIn, noNodeAt, refusals, took } from '../../ui/words/dapp'
import { advice, type Surroundings } from '../../ui/words/errors'
import type { Language, Text } from '../../ui/words/text'
import { h, type Child } from '../../ui/blocks/dom'
import { wait } from '../../ui/model/wait'
import type { ProviderErrorCode, ProviderInteraction } from 'imkey-connect'
import { failureOf, json, type Failure, type Request } from './requests'
import type { Unit } from './unit'
import { startNode } from './wallet'

/** Asked is one request, with what is known of it so far. */
interface Asked {
  readonly request: Request
  /** It lets somebody take without limit. */
  readonly unlimited: boolean
  readonly began: number
  took?: number
  result?: unknown
  failure?: Failure
  /** What became of a transaction after it was sent. */
  later?: Text
  interaction?: ProviderInteraction
  /** The device was asked to sign what its screen does not show. */
  blind?: ProviderInteraction['operation']
}

/** The reason where no node answers at all: the provider's, and not one of the device's. */
const unreachable: ProviderErrorCode = 'node-unreachable'

/** How many earlier requests are kept on the page. */
const limit = 10

/** How often, and how many times, a node is asked whether a transaction is in a block. */
const lookAgain = 1000
const looks = 60

/** Exchange shows one request from the page to the device and back, and the ones before. */
export class Exchange {
  readonly element = h('section', { class: 'exchange', 'aria-label': '' })
  readonly #request = h('div', { class: 'step' })
  readonly #device = h('div', { class: 'step' })
  readonly #answer = h('div', { class: 'step', role: 'status', 'aria-live': 'polite' })
  readonly #earlier = h('details', { class: 'more earlier' })
  readonly #past: Asked[] = []
  #now: Asked | null = null
  #giveUp: AbortController | null = null
  #language: Language = 'en'

  constructor(
    private readonly unit: Unit,
    private readonly surroundings: Surroundings,
    private readonly ask: (request: Request) => Promise<unknown>,
    /** Called when a request begins and when it ends. */
    private readonly changed: () => void,
    /** Where the chain's node is looked for, and where the simulated device gets its wallet; null without one. */
    private readonly where: { readonly node: () => string; readonly walletPage: string | null },
  ) {
    this.element.append(this.#request, this.#device, this.#answer, this.#earlier)
  }

  get busy(): boolean {
    return this.#giveUp !== null
  }

  /** run shows a request while it is carried out; it resolves when that is over, whatever came of it. */
  async run(request: Request, carryOut: (signal: AbortSignal) => Promise<unknown>, unlimited = false): Promise<void> {
    if (this.#giveUp) return
    if (this.#now) this.#past.unshift(this.#now)
    this.#past.splice(limit)
    const asked: Asked = { request, unlimited, began: performance.now() }
    this.#now = asked
    const giveUp = new AbortController()
    this.#giveUp = giveUp
    this.draw(this.#language)
    this.changed()
    if (this.element.getBoundingClientRect().top > innerHeight / 2) this.#reveal(this.#request, 'start')
    try {
      asked.result = await carryOut(giveUp.signal)
    } catch (error) {
      asked.failure = failureOf(error)
    }
    asked.took = performance.now() - asked.began
    delete asked.interaction
    this.#giveUp = null
    this.unit.asking(false)
    this.draw(this.#language)
    this.changed()
    if (request.method === 'eth_sendTransaction' && asked.failure === undefined) void this.#follow(asked)
  }

  /** hear takes what the person has to do. */
  hear(interaction: ProviderInteraction): void {
    const asked = this.#now
    if (!asked || !this.#giveUp) return
    const waiting = interaction.state === 'waiting'
    if (waiting) asked.interaction = interaction
    else delete asked.interaction
    if (waiting && interaction.blind) asked.blind = interaction.operation
    this.unit.asking(waiting && interaction.reason === 'confirm' && interaction.operation !== undefined)
    this.#drawDevice()
    if (asked.interaction?.reason === 'confirm') this.#reveal(this.#device, 'nearest')
  }

  /** plugged draws the device as it is. */
  plugged(on: boolean): void {
    this.unit.plugged(on)
    if (!this.#giveUp) this.#drawDevice()
  }

  draw(language: Language): void {
    this.#language = language
    this.unit.draw(language)
    this.#drawRequest()
    this.#drawDevice()
    this.#drawAnswer()
    this.#drawEarlier()
  }

  /** On a narrow screen the exchange stands below what was pressed. */
  #reveal(step: HTMLElement, block: ScrollLogicalPosition): void {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    step.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block })
  }

  #drawRequest(): void {
    const asked = this.#now
    this.#request.replaceChildren(
      this.#heading(1, words.request),
      ...(asked ? requestOf(asked.request) : [h('p', { class: 'quiet' }, this.#t(words.requestNone))]),
    )
    if (asked?.unlimited) this.#request.append(this.#warning(words.approvalTitle, words.approvalText))
  }

  #drawDevice(): void {
    const asked = this.#now
    const screen = asked?.interaction?.screen
    const row = (name: Text, value: string) => h('div', { class: 'row' }, h('dt', {}, this.#t(name)), h('dd', { translate: 'no' }, value))
    // The unit stays where it is: its buttons must not go away under the finger, nor lose the focus.
    const parts: Node[] = [
      this.#heading(2, words.screen),
      this.unit.element,
      h('p', { class: asked?.interaction ? 'doing doing-waits' : 'doing quiet', role: 'status', 'aria-live': 'polite' }, this.#t(this.#doing())),
    ]
    if (asked?.blind && this.#giveUp) parts.push(this.#warning(words.blindTitle, blindness(asked.blind)))
    if (screen) {
      parts.push(
        h('p', { class: 'quiet' }, this.#t(words.screenSays)),
        h('dl', { class: 'says' }, row(words.pays, screen.payment), row(words.receiver, screen.receiver), row(words.fee, screen.fee)),
      )
    }
    if (this.#giveUp) parts.push(this.#button('give-up', words.giveUp, () => this.#giveUp?.abort()))
    for (const child of [...this.#device.children]) if (child !== this.unit.element) child.remove()
    if (!this.unit.element.parentElement) this.#device.append(this.unit.element)
    const at = parts.indexOf(this.unit.element)
    this.unit.element.before(...parts.slice(0, at))
    this.unit.element.after(...parts.slice(at + 1))
  }

  #doing(): Text {
    if (!this.#giveUp) return this.unit.isPlugged ? words.screenIdle : words.unplugged
    switch (this.#now?.interaction?.reason) {
      case 'choose-device':
        return words.screenChoose
      case 'pair':
      case 'read-code':
        return words.screenPair
      case 'confirm':
        return words.screenWaits
      case undefined:
        return needsDevice(this.#now?.request.method) ? words.screenBusy : words.screenNode
    }
  }

  #drawAnswer(): void {
    const asked = this.#now
    const nothing = (text: Text) => [h('p', { class: 'quiet' }, this.#t(text))]
    this.#answer.replaceChildren(
      this.#heading(3, words.answer),
      ...(!asked ? nothing(words.answerNone) : this.#giveUp ? nothing(words.answerWaiting) : this.#outcome(asked)),
    )
  }

  #outcome(asked: Asked): Node[] {
    const time = h('span', { class: 'took' }, this.#t(took(asked.took ?? 0)))
    const { failure } = asked
    if (failure) {
      const declined = failure.code === 4001
      const calm = declined || failure.reason === 'aborted'
      return [
        h('p', { class: calm ? 'outcome' : 'outcome outcome-bad', 'data-outcome': String(failure.code) },
          h('strong', {}, this.#t(declined ? words.declined : failure.putAway ? words.putAway : calm ? words.givenUp : words.failed)), ' ', time),
        ...this.#sentences(failure).map((text) => h('p', {}, text)),
        ...this.#toWallet(failure),
        ...(failure.reason === unreachable ? [h('pre', { class: 'snippet', translate: 'no' }, startNode)] : []),
        h('pre', { class: 'snippet', translate: 'no' }, json({ code: failure.code, message: failure.message, ...(failure.data !== undefined && { data: failure.data }) })),
      ]
    }
    const copy = this.#button('copy-answer', words.copyAnswer, () => void this.#copy(copy, asked.result))
    return [
      h('p', { class: 'outcome outcome-good', 'data-outcome': 'good' }, h('strong', {}, this.#t(kindOf(asked.request.method))), ' ', time),
      ...(asked.result === null ? [] : [h('pre', { class: 'snippet', translate: 'no', 'data-answer': true }, json(asked.result)), copy]),
      ...(asked.later ? [h('p', { 'data-later': true }, this.#t(asked.later))] : []),
    ]
  }

  #sentences(failure: Failure): string[] {
    const { code, reason, message } = failure
    if (failure.putAway) return [this.#t(words.putAwayText)]
    if (reason === 'aborted') return [this.#t(words.givenUpText)]
    if (reason === unreachable) return [this.#t(noNodeAt(this.where.node()))]
    // What these name is the page's request or the node, and not the device.
    const ours = ['invalid-argument', 'internal', 'protocol', 'timeout', 'user-rejected', 'unsupported-method']
    if (known(reason) && !ours.includes(reason)) {
      const { what, next } = advice(reason, this.surroundings)
      // A request is not sent again by itself.
      return [this.#t(what), this.#t(reason === 'device-disconnected' ? words.unpluggedMeanwhile : next), ...(this.#walletPage(failure) === null ? [] : [this.#t(words.simulatedWallet)])]
    }
    const own = refusals[code]
    return own ? [this.#t(own)] : [message]
  }

  /** Where the wallet is made that a request lacks; null where that is not on a page. */
  #walletPage(failure: Failure): string | null {
    return failure.reason === 'wallet-missing' ? this.where.walletPage : null
  }

  #toWallet(failure: Failure): Node[] {
    const href = this.#walletPage(failure)
    if (href === null) return []
    return [h('p', {}, h('a', { href, target: '_blank', rel: 'noopener', 'data-action': 'to-wallet' }, this.#t(words.toDevicePage)))]
  }

  #drawEarlier(): void {
    this.#earlier.hidden = this.#past.length === 0
    this.#earlier.replaceChildren(
      h('summary', {}, this.#t(words.earlier)),
      h(
        'ol',
        { class: 'past' },
        ...this.#past.map((asked) =>
          h(
            'li',
            {},
            ...requestOf(asked.request),
            h('pre', { class: 'snippet', translate: 'no' }, json(asked.failure ? { error: { code: asked.failure.code, message: asked.failure.message } } : { result: asked.result })),
          ),
        ),
      ),
    )
  }

  /** follow waits until a transaction is in a block. */
  async #follow(asked: Asked): Promise<void> {
    const tell = (text: Text) => {
      asked.later = text
      if (this.#now === asked) this.#drawAnswer()
    }
    tell(words.waitingForBlock)
    for (let i = 0; i < looks; i++) {
      try {
        const receipt = (await this.ask({ method: 'eth_getTransactionReceipt', params: [asked.result] })) as
          { blockNumber?: unknown; status?: unknown } | null
        if (typeof receipt?.blockNumber === 'string') {
          return tell(receipt.status === '0x0' ? words.reverted : minedIn(Number(receipt.blockNumber)))
        }
      } catch {
        break // the node went away; the transaction did not
      }
      await wait(lookAgain, new AbortController().signal)
    }
    tell(words.notMined)
  }

  async #copy(button: HTMLButtonElement, value: unknown): Promise<void> {
    const text = typeof value === 'string' ? value : json(value)
    button.textContent = await navigator.clipboard.writeText(text).then(() => this.#t(words.copied), () => this.#t(words.copyFailed))
  }

  #heading(n: number, text: Text): HTMLElement {
    return h('h2', {}, h('span', { class: 'number', 'aria-hidden': 'true' }, String(n)), this.#t(text))
  }

  #warning(title: Text, text: Text): HTMLElement {
    return h('div', { class: 'note note-warning' }, h('p', {}, h('strong', {}, this.#t(title))), h('p', {}, this.#t(text)))
  }

  #button(action: string, text: Text, press: () => void): HTMLButtonElement {
    return h('button', { type: 'button', class: 'button button-quiet', 'data-action': action, click: press }, this.#t(text))
  }

  #t(text: Text): string {
    return text[this.#language]
  }
}

function requestOf({ method, params }: Request): HTMLElement[] {
  const shown: Child[] = [h('strong', {}, method)]
  return [
    h('p', { class: 'method', translate: 'no' }, ...shown),
    ...(params ? [h('pre', { class: 'snippet', translate: 'no' }, json(params))] : []),
  ]
}

function needsDevice(method: string | undefined): boolean {
  return method !== undefined && !method.startsWith('wallet_')
}

function kindOf(method: string): Text {
  if (method === 'eth_requestAccounts') return words.answerAddresses
  if (method === 'eth_sendTransaction') return words.answerHash
  return needsDevice(method) ? words.answerOf : words.answerDone
}

function blindness(operation: ProviderInteraction['operation']): Text {
  switch (operation) {
    case 'typed-data':
      return words.blindTypedData
    case 'transaction':
      return words.blindTransaction
    default:
      return words.blindMessage
  }
}
