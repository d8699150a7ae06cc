import { dapp as words, minedIn, noNodeAt, refusals, took } from '../../ui/words/dapp'
import { advice, type Surroundings } from '../../ui/words/errors'
import type { Language, Text } from '../../ui/words/text'
import { h, type Child } from '../../ui/blocks/dom'
import { known } from '../../ui/model/failure'
import { wait } from '../../ui/model/wait'
import type { ProviderErrorCode, ProviderInteraction } from 'imkey-connect'
import { failureOf, json, type Logged, warningsOf, type Failure, type Request } from './requests'
import type { DeviceView } from './device-view'
import { startNode } from './wallet'

/** Shown is what the user has to do, whatever asked for it. */
type Shown = Omit<ProviderInteraction, 'method'>

/** Entry is one request with what is known about it so far. */
interface Entry {
  readonly request: Logged
  /** Whether it approves an unlimited amount. */
  readonly unlimited: boolean
  /** Whether the page can give it up. Otherwise the user rejects it on the device or in the connector's window. */
  readonly stoppable: boolean
  readonly began: number
  took?: number
  result?: unknown
  failure?: Failure
  /** What happened to a transaction after it was sent. */
  later?: Text
  interaction?: Shown
  /** The operation, if the device was asked to sign something that its screen does not show. */
  blind?: ProviderInteraction['operation']
}

/** The provider's reason if no node answers. */
const unreachable: ProviderErrorCode = 'node-unreachable'

/** The number of earlier requests that the page shows. */
const limit = 10

/** How long to wait before a node is asked again whether a transaction is in a block, in milliseconds, and how often. */
const askAgain = 1000
const maxAsked = 60

/** RequestLog shows the current request on its way to the device and back, and the earlier ones. */
export class RequestLog {
  readonly element = h('section', { class: 'exchange', 'aria-label': '' })
  readonly #request = h('div', { class: 'step' })
  readonly #device = h('div', { class: 'step' })
  readonly #answer = h('div', { class: 'step', role: 'status', 'aria-live': 'polite' })
  readonly #earlier = h('details', { class: 'more earlier' })
  readonly #past: Entry[] = []
  #now: Entry | null = null
  #giveUp: AbortController | null = null
  #language: Language = 'en'

  constructor(
    private readonly device: DeviceView,
    private readonly surroundings: Surroundings,
    private readonly ask: (request: Request) => Promise<unknown>,
    /** Is called when a request begins and when it ends. */
    private readonly changed: () => void,
    /** The address of the chain's node, and the page on which the simulated device gets a wallet, or null without a simulator. */
    private readonly where: { readonly node: () => string; readonly walletPage: string | null },
  ) {
    this.element.append(this.#request, this.#device, this.#answer, this.#earlier)
  }

  get busy(): boolean {
    return this.#giveUp !== null
  }

  /** Shows a request while it is carried out. It resolves when the request has ended, successfully or not. */
  async run(
    request: Logged,
    carryOut: (signal: AbortSignal) => Promise<unknown>,
    { unlimited = false, stoppable = true }: { unlimited?: boolean; stoppable?: boolean } = {},
  ): Promise<void> {
    if (this.#giveUp) return
    if (this.#now) this.#past.unshift(this.#now)
    this.#past.splice(limit)
    const entry: Entry = { request, unlimited, stoppable, began: performance.now() }
    this.#now = entry
    const giveUp = new AbortController()
    this.#giveUp = giveUp
    this.draw(this.#language)
    this.changed()
    if (this.element.getBoundingClientRect().top > innerHeight / 2) this.#reveal(this.#request, 'start')
    try {
      entry.result = await carryOut(giveUp.signal)
    } catch (error) {
      entry.failure = failureOf(error)
    }
    entry.took = performance.now() - entry.began
    delete entry.interaction
    this.#giveUp = null
    this.device.asking(false)
    this.draw(this.#language)
    this.changed()
    if (request.method === 'eth_sendTransaction' && entry.failure === undefined) void this.#follow(entry)
  }

  /** Shows what the user has to do for the current request. */
  interact(interaction: Shown): void {
    const entry = this.#now
    if (!entry || !this.#giveUp) return
    const waiting = interaction.state === 'waiting'
    if (waiting) entry.interaction = interaction
    else delete entry.interaction
    if (waiting && interaction.blind) entry.blind = interaction.operation
    this.device.asking(waiting && interaction.reason === 'confirm' && interaction.operation !== undefined)
    this.#drawDevice()
    if (entry.interaction?.reason === 'confirm') this.#reveal(this.#device, 'nearest')
  }

  /** Shows whether the device is plugged in. */
  plugged(on: boolean): void {
    this.device.plugged(on)
    if (!this.#giveUp) this.#drawDevice()
  }

  draw(language: Language): void {
    this.#language = language
    this.device.draw(language)
    this.#drawRequest()
    this.#drawDevice()
    this.#drawAnswer()
    this.#drawEarlier()
  }

  /** Scrolls to a step. On a narrow screen, the steps are below the button that was pressed. */
  #reveal(step: HTMLElement, block: ScrollLogicalPosition): void {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    step.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block })
  }

  #drawRequest(): void {
    const entry = this.#now
    this.#request.replaceChildren(
      this.#heading(1, words.request),
      ...(entry ? requestOf(entry.request) : [h('p', { class: 'quiet' }, this.#t(words.requestNone))]),
    )
    if (entry?.unlimited) this.#request.append(this.#warning(words.approvalTitle, words.approvalText))
  }

  #drawDevice(): void {
    const entry = this.#now
    const { screen, summary } = entry?.interaction ?? {}
    const says = screen ?? summary
    const row = (name: Text, value: string) => h('div', { class: 'row' }, h('dt', {}, this.#t(name)), h('dd', { translate: 'no' }, value))
    // The drawing of the device stays in the document: its buttons must not lose a press or the focus.
    const parts: Node[] = [
      this.#heading(2, words.screen),
      this.device.element,
      h(
        'p',
        { class: entry?.interaction ? 'doing doing-waits' : 'doing quiet', role: 'status', 'aria-live': 'polite' },
        this.#t(this.#doing()),
      ),
    ]
    if (entry?.blind && this.#giveUp) parts.push(this.#warning(words.blindTitle, blindness(entry.blind)))
    const replaces = entry?.interaction?.replaces
    if (replaces !== undefined) {
      const warning = this.#warning(words.replacesTitle, words.replacesText)
      warning.append(h('p', { 'translate': 'no', 'data-replaces': true }, replaces))
      parts.push(warning)
    }
    if (says) {
      parts.push(
        h('p', { class: 'quiet' }, this.#t(screen ? words.screenSays : words.summarySays)),
        h(
          'dl',
          { class: 'says' },
          row(words.pays, says.payment),
          row(words.receiver, says.receiver),
          says.fee !== '' && row(words.fee, says.fee),
        ),
        ...warningsOf(summary).map((name) => h('p', { 'class': 'message', 'data-warning': name }, this.#t(words[name]))),
      )
    }
    if (this.#giveUp && entry?.stoppable) parts.push(this.#button('give-up', words.giveUp, () => this.#giveUp?.abort()))
    for (const child of Array.from(this.#device.children)) if (child !== this.device.element) child.remove()
    if (!this.device.element.parentElement) this.#device.append(this.device.element)
    const at = parts.indexOf(this.device.element)
    this.device.element.before(...parts.slice(0, at))
    this.device.element.after(...parts.slice(at + 1))
  }

  #doing(): Text {
    if (!this.#giveUp) return this.device.isPlugged ? words.screenIdle : words.unplugged
    switch (this.#now?.interaction?.reason) {
      case 'choose-device':
        return words.screenChoose
      case 'connector':
        return words.screenConnector
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
    const entry = this.#now
    const nothing = (text: Text) => [h('p', { class: 'quiet' }, this.#t(text))]
    this.#answer.replaceChildren(
      this.#heading(3, words.answer),
      ...(!entry ? nothing(words.answerNone) : this.#giveUp ? nothing(words.answerWaiting) : this.#outcome(entry)),
    )
  }

  #outcome(entry: Entry): Node[] {
    const time = h('span', { class: 'took' }, this.#t(took(entry.took ?? 0)))
    const { failure } = entry
    if (failure) {
      const rejected = failure.code === 4001 || failure.reason === 'user-rejected'
      const calm = rejected || failure.reason === 'aborted'
      return [
        h(
          'p',
          { class: calm ? 'outcome' : 'outcome outcome-bad', 'data-outcome': String(failure.code) },
          h('strong', {}, this.#t(rejected ? words.rejected : failure.putAway ? words.putAway : calm ? words.givenUp : words.failed)),
          ' ',
          time,
        ),
        ...this.#sentences(failure).map((text) => h('p', {}, text)),
        ...this.#toWallet(failure),
        ...(failure.reason === unreachable ? [h('pre', { class: 'snippet', translate: 'no' }, startNode)] : []),
        h(
          'pre',
          { class: 'snippet', translate: 'no' },
          json({ code: failure.code, message: failure.message, ...(failure.data !== undefined && { data: failure.data }) }),
        ),
      ]
    }
    const copy = this.#button('copy-answer', words.copyAnswer, () => void this.#copy(copy, entry.result))
    return [
      h('p', { class: 'outcome outcome-good', 'data-outcome': 'good' }, h('strong', {}, this.#t(kindOf(entry.request.method))), ' ', time),
      ...(entry.result === null ? [] : [h('pre', { class: 'snippet', translate: 'no', 'data-answer': true }, json(entry.result)), copy]),
      ...(entry.later ? [h('p', { 'data-later': true }, this.#t(entry.later))] : []),
    ]
  }

  #sentences(failure: Failure): string[] {
    const { code, reason, message } = failure
    if (failure.putAway) return [this.#t(words.putAwayText)]
    if ((Object(failure.data) as { hash?: unknown }).hash !== undefined) return [this.#t(words.maybeSent), message]
    if ((Object(failure.data) as { reason?: unknown }).reason === 'sign-in') return [this.#t(words.signInElsewhere)]
    if (reason === 'aborted') return [this.#t(words.givenUpText)]
    if (reason === unreachable) return [this.#t(noNodeAt(this.where.node()))]
    // These reasons are about the page's request or the node, and not about the device.
    const notDevice = ['invalid-argument', 'internal', 'protocol', 'timeout', 'user-rejected', 'unsupported-method']
    if (known(reason) && !notDevice.includes(reason)) {
      const { what, next } = advice(reason, this.surroundings, (Object(failure.data) as { reason?: unknown }).reason)
      // The page does not send a request again by itself.
      return [
        this.#t(what),
        this.#t(reason === 'device-disconnected' ? words.unpluggedMeanwhile : next),
        ...(this.#walletPage(failure) === null ? [] : [this.#t(words.simulatedWallet)]),
      ]
    }
    const own = refusals[code]
    return own ? [this.#t(own)] : [message]
  }

  /** Returns the page on which the missing wallet is made, or null if there is none. */
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
        ...this.#past.map((entry) =>
          h(
            'li',
            {},
            ...requestOf(entry.request),
            h(
              'pre',
              { class: 'snippet', translate: 'no' },
              json(entry.failure ? { error: { code: entry.failure.code, message: entry.failure.message } } : { result: entry.result }),
            ),
          ),
        ),
      ),
    )
  }

  /** Waits until a transaction is in a block, and shows it. */
  async #follow(entry: Entry): Promise<void> {
    const show = (text: Text) => {
      entry.later = text
      if (this.#now === entry) this.#drawAnswer()
    }
    show(words.waitingForBlock)
    for (let i = 0; i < maxAsked; i++) {
      try {
        const receipt = (await this.ask({ method: 'eth_getTransactionReceipt', params: [entry.result] })) as {
          blockNumber?: unknown
          status?: unknown
        } | null
        if (typeof receipt?.blockNumber === 'string') {
          return show(receipt.status === '0x0' ? words.reverted : minedIn(Number(receipt.blockNumber)))
        }
      } catch {
        break // the node does not answer any more; the transaction may still get into a block
      }
      await wait(askAgain, new AbortController().signal)
    }
    show(words.notMined)
  }

  async #copy(button: HTMLButtonElement, value: unknown): Promise<void> {
    const text = typeof value === 'string' ? value : json(value)
    button.textContent = await navigator.clipboard.writeText(text).then(
      () => this.#t(words.copied),
      () => this.#t(words.copyFailed),
    )
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

function requestOf({ method, params }: Logged): HTMLElement[] {
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
  if (/(request|get)Accounts$/.test(method)) return words.answerAddresses
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
