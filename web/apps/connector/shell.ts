// The surroundings of the broker in the connector's window: it shows one thing at a time, a request, the choice of a device, the binding, or
// that there is nothing to do.

import type { Answer, Broker, Outcome, Pairing as Wanted, Progress, Review, Shell, State as BrokerState } from 'imkey-connect/broker'
import { type Device as SDKDevice, type ErrorCode, type ImKey as Imkey, ImKeyError, version } from 'imkey-connect'
import { primary, quiet, secondary } from '../../ui/blocks/buttons'
import { h } from '../../ui/blocks/dom'
import type { Page } from '../../ui/blocks/page'
import { View } from '../../ui/blocks/view'
import { framedWithoutUSB, platformOf } from '../../ui/model/platform'
import { Report } from '../../ui/model/report'
import { wait } from '../../ui/model/wait'
import { Pairing } from '../../ui/pairing/pairing'
import { Stage } from '../../ui/pairing/stage'
import { mountRequest, type RequestScreen } from '../../ui/request/screen'
import { type Ended, unreached } from '../../ui/request/state'
import { mountSites, type SitesView } from '../../ui/sites/sites'
import { connector as words } from '../../ui/words/connector'
import { pairing as pairingWords } from '../../ui/words/pairing'
import type { Text } from '../../ui/words/text'
import { Turn } from './turn'

/** Surroundings are what the shell needs of the page. */
export interface Surroundings {
  readonly page: Page
  /** Lets the simulated device be used besides the browser's own; absent where no simulator serves this page. */
  readonly simulate?: () => Promise<void>
  /** Opens the browser's chooser, in a click. */
  readonly choose: () => Promise<unknown>
  /** Draws what is shown while there is nothing to do. */
  readonly idle: (state: BrokerState | undefined, how: 'done' | 'rejected' | undefined) => HTMLElement
}

/** refused is the error of what the user closed or cancelled. */
const refused = (what: string) =>
  new ImKeyError('user-rejected', `${what} in the connector’s window. Ask again if that was not what you wanted.`)

export class WindowShell implements Shell {
  /** The broker, which is made after its shell. */
  broker: Pick<Broker, 'cancel' | 'revoke' | 'erase'> | undefined
  readonly #around: Surroundings
  readonly #slot = h('div', { class: 'slot' })
  readonly #requests = h('div', { class: 'slot', hidden: true })
  readonly #list = h('div', { class: 'slot sites', hidden: true })
  readonly #screen: RequestScreen
  readonly #sites: SitesView
  readonly #turn = new Turn()
  #state: BrokerState | undefined
  #settle: ((answer: Answer) => void) | undefined // of the review on the screen, until it is answered
  #review: Review | undefined // on the screen, or before what covers it
  #failed: Ended | undefined // the last one that failed, on the screen until the user goes on
  #pairing = false
  #idles = true
  #redraw: () => void = () => undefined

  constructor(around: Surroundings) {
    this.#around = around
    const { page } = around
    page.main.append(this.#slot, this.#requests, this.#list)
    this.#screen = mountRequest(this.#requests, {
      language: page.language,
      onAnswer: (answer) => this.#settle?.(answer),
      onCancel: (id) => this.broker?.cancel(id),
      onClose: () => this.#idle(),
      onChoose: () => void this.#chooseAgain(),
    })
    this.#sites = mountSites(this.#list, {
      language: page.language,
      onRevoke: (origin, coin) => this.broker?.revoke(origin, coin),
      onErase: (origin) => this.broker?.erase(origin),
    })
    page.onLanguage((language) => {
      this.#sites.speak(language)
      this.#screen.speak(language)
      this.#redraw()
    })
    this.#idle()
  }

  /** ask shows a request when it is this window's turn: another window of the connector may have one. */
  async ask(review: Review, signal: AbortSignal): Promise<Answer> {
    await this.#turn.take(signal, () => this.#plain('waiting', words.waiting, words.waitingLead))
    if (signal.aborted) {
      this.#turn.give()
      throw signal.reason
    }
    this.#review = review
    this.#showRequests()
    this.#screen.show(this.#asking(review))
    const answer = await new Promise<Answer | undefined>((resolve) => {
      this.#settle = resolve
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    this.#settle = undefined
    if (answer?.yes) {
      if (review.what.kind !== 'calls-status') this.#screen.show({ name: 'sending', review })
      return answer
    }
    this.#review = undefined
    this.#turn.give()
    if (answer) {
      this.#finish('rejected')
      return answer
    }
    this.#screen.show({ name: 'withdrawn', review })
    throw signal.reason
  }

  /** paused lets other windows ask. The screen stays until another request is asked here. */
  paused(): void {
    this.#turn.give()
  }

  async resumed(review: Review, signal: AbortSignal): Promise<void> {
    await this.#turn.take(signal, () => {})
    this.#review = review
    this.#showRequests()
    this.#screen.show({ name: 'sending', review })
  }

  settled(review: Review, { done, code, reason }: Outcome): void {
    if (this.#review?.id !== review.id) return // it was paused, and another one has the turn
    this.#turn.give()
    this.#review = undefined
    this.#showRequests()
    if (done) this.#finish('done')
    else if (code === 'user-rejected') this.#finish('rejected')
    else if (code === 'aborted') this.#screen.show({ name: 'withdrawn', review })
    else this.#fail(review, code, reason)
  }

  unreached(code: string): void {
    if (!this.#idles) return // the window shows what another request needs
    this.#showRequests()
    this.#fail(unreached, code)
  }

  #fail(review: Ended, code = 'internal', reason?: string): void {
    this.#failed = review
    this.#screen.show({ name: 'failed', review, code: code as ErrorCode, ...(reason !== undefined && { reason }) })
  }

  /** #chooseAgain lets the user choose the device after a request that did not reach it. The screen says how that ended. */
  async #chooseAgain(): Promise<void> {
    const review = this.#failed!
    await this.#around.choose().then(
      () => this.#screen.show({ name: 'chosen', review }),
      (thrown: unknown) => {
        const { code, data } = Object(thrown) as Partial<ImKeyError>
        if (code !== 'request-cancelled') this.#fail(review, code, data?.['reason'] as string | undefined)
      },
    )
  }

  device({ state, screen }: Progress): void {
    const review = this.#review
    if (!review || this.#settle || this.#pairing) return
    if (state === 'done') this.#screen.show({ name: 'sending', review })
    else this.#screen.show({ name: 'device', review, ...(screen && { screen }) })
  }

  async pair(wanted: Wanted): Promise<SDKDevice | void> {
    const { signal } = wanted
    this.#pairing = true
    try {
      if (wanted.reason === 'choose') return await this.#choose(wanted.imkey, signal)
      await this.#bind(wanted.imkey, wanted.device, signal)
    } finally {
      this.#pairing = false
      if (this.#review) {
        this.#showRequests()
        this.#screen.show({ name: 'sending', review: this.#review })
      } else this.#idle()
    }
  }

  changed(state: BrokerState): void {
    this.#state = state
    if (this.#settle && this.#review) this.#screen.show(this.#asking(this.#review))
    else if (this.#idles) {
      this.#redraw()
      this.#listSites()
    }
  }

  /** #asking adds to a review what the screen says of other requests and sites. */
  #asking(review: Review) {
    return {
      name: 'asking' as const,
      review,
      waiting: this.#state?.queue.slice(1) ?? [],
      known: this.#state?.permissions.map(({ origin }) => origin) ?? [],
    }
  }

  /** #choose opens the browser's chooser in answer to a press, until a device was chosen. */
  #choose(imkey: Imkey, signal: AbortSignal): Promise<SDKDevice> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      let note: Text | undefined
      const draw = () =>
        this.#show(() => {
          const { language } = this.#around.page
          const t = (text: Text) => text[language]
          const view = new View({ name: 'choose' }, { lines: ['imKey'], plugged: false }, { language })
          view.heading(words.choose)
          view.lead(words.chooseLead)
          if (note) view.text(note, 'message')
          view.actions(
            primary('choose', t(words.connect), () => void chosen(imkey.requestDevice())),
            this.#around.simulate &&
              secondary('connect-simulated', t(pairingWords.trySimulated), () => {
                void this.#around.simulate!().then(async () => {
                  const [device] = await imkey.getDevices()
                  if (device) resolve(device)
                }, reject)
              }),
            quiet('cancel', t(words.cancel), () => reject(refused('No imKey was chosen'))),
          )
          return view.element
        })
      const chosen = (device: Promise<SDKDevice>) =>
        device.then(resolve, (thrown: unknown) => {
          if ((Object(thrown) as { code?: unknown }).code !== 'request-cancelled') return reject(thrown)
          note = words.noneChosen
          draw()
        })
      draw()
    })
  }

  /** #bind asks for the binding code with the steps of the page at /. */
  async #bind(imkey: Imkey, device: SDKDevice, signal: AbortSignal): Promise<void> {
    const { page } = this.#around
    const framed = framedWithoutUSB(window)
    const script = new URL(import.meta.url).pathname.split('/').at(-1)!
    const report = new Report(
      {
        version,
        script,
        userAgent: navigator.userAgent,
        languages: navigator.languages,
        webusb: 'usb' in navigator,
        secure: isSecureContext,
        framed,
      },
      () => new Date(),
    )
    const root = h('div', { class: 'slot' })
    let ended: (bound: boolean) => void = () => {}
    const end = new Promise<boolean>((resolve) => (ended = resolve))
    const pairing = new Pairing(
      { load: async () => imkey, support: { supported: true }, simulator: null, given: device, wait, report },
      (state) => {
        if (state.name === 'bound') ended(true)
        else void stage.show(state)
      },
    )
    const stage = new Stage(root, {
      language: page.language,
      surroundings: { platform: platformOf(navigator.userAgent), framed },
      simulator: false,
      given: true,
      actions: {
        connect: () => void pairing.connect(),
        connectSimulated: () => undefined,
        another: () => void pairing.another(),
        pick: (place) => void pairing.pick(place),
        takeOver: () => void pairing.takeOver(),
        goOn: () => void pairing.goOn(),
        submit: (code, keep) => void pairing.submit(code, keep),
        showAgain: () => void pairing.showAgain(),
        cancel: () => (pairing.state.name === 'checking' ? void pairing.cancel() : ended(false)),
        leave: () => ended(false),
        retry: () => void pairing.retry(),
        copyReport: () => void navigator.clipboard.writeText(report.text()).catch(() => undefined),
        forgetting: {
          forget: () => void pairing.forget(),
          forgetNow: () => void pairing.forgetNow(),
          keepBinding: () => void pairing.keepBinding(),
        },
      },
    })
    const stop = () => ended(false)
    signal.addEventListener('abort', stop, { once: true })
    this.#requests.hidden = this.#list.hidden = true
    this.#slot.hidden = this.#idles = false
    this.#slot.replaceChildren(root)
    this.#redraw = () => stage.speak(page.language)
    void pairing.connect()
    const bound = await end
    signal.removeEventListener('abort', stop)
    stage.leave()
    await pairing.end()
    root.remove()
    if (signal.aborted) throw signal.reason
    if (!bound) throw refused('The imKey was not bound')
  }

  /** #finish says how a request ended that went as the user wanted. The next one is shown without another press. */
  #finish(how: 'done' | 'rejected'): void {
    this.#screen.show({ name: 'idle' })
    this.#idle(how)
  }

  #idle(how?: 'done' | 'rejected'): void {
    this.#show(() => this.#around.idle(this.#state, how))
    this.#idles = true
    this.#listSites()
  }

  /** #listSites shows the sites with a permission, and what was signed, below what is shown while there is nothing to do. */
  #listSites(): void {
    const state = this.#state
    this.#list.hidden = !state || state.permissions.length + state.activity.length === 0
    if (state) this.#sites.show(state)
  }

  #plain(name: string, title: Text, lead: Text): void {
    this.#show(() => {
      const view = new View({ name }, { lines: [], plugged: true }, { language: this.#around.page.language })
      view.heading(title)
      view.lead(lead)
      return view.element
    })
  }

  /** #show shows what draw draws, and draws it again in another language. */
  #show(draw: () => HTMLElement): void {
    this.#requests.hidden = this.#list.hidden = true
    this.#slot.hidden = false
    this.#idles = false
    this.#redraw = () => this.#slot.replaceChildren(draw())
    this.#redraw()
  }

  #showRequests(): void {
    this.#slot.hidden = this.#list.hidden = true
    this.#requests.hidden = this.#idles = false
    this.#redraw = () => undefined
  }
}
