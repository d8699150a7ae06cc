// The pairing as a dialog on the page of a dApp. It shows the states, words and drawings of the connect page in a shadow tree,
// which the styles of the page do not reach. It needs no markup and no style sheet of the page, and no exception from its
// Content-Security-Policy.

import { dialog as words, has, wants } from '../words/dialog'
import { preferred } from '../words/language'
import { pairing } from '../words/pairing'
import { languageTag, type Language } from '../words/text'
import { Pairing } from '../pairing/pairing'
import type { CallsRequest } from '../../sdk/types/imkey'
import type { CallsStatus } from './calls'
import css from './dialog.css?text'
import { h, svg } from '../blocks/dom'
import { focused, ownEvents, sheetOf } from './modal'
import { framedWithoutUSB, platformOf } from '../model/platform'
import { Report } from '../model/report'
import type { Device, ImKey } from '../model/sdk'
import type { State } from '../pairing/state'
import { Stage } from '../pairing/stage'
import { wait } from '../model/wait'

/** openCallsDialog asks whether the calls of a batch may be signed. It resolves when the dialog is gone. */
export const openCallsDialog = async (request: CallsRequest, signal: AbortSignal | undefined) =>
  (await import('./calls')).openCallsDialog(request, signal)

/** showCallsDialog shows what became of a batch of that many calls. */
export const showCallsDialog = async (status: CallsStatus, total: number) => (await import('./calls')).showCallsDialog(status, total)

export interface PairingDialogOptions {
  /** The version of imkey-connect, for the report. */
  readonly version: string
  readonly imkey: ImKey
  /** The open device to bind. It stays open. Without it, the user connects a device in the dialog. */
  readonly device?: Device
  /** Closes the dialog. */
  readonly signal?: AbortSignal
  /** Whether the user may choose to keep the code, encrypted, in this browser. Default: true. With false it is not kept. */
  readonly rememberCode?: boolean
  /** Default: the page's language if the dialog has it, else the browser's. */
  readonly language?: Language
}

/**
 * openPairingDialog asks the user to bind a device to this page's origin. It resolves when the dialog is closed and the device
 * is idle, with the outcome. The code that the user types is passed to the SDK and kept nowhere else.
 */
export function openPairingDialog(options: PairingDialogOptions): Promise<'bound' | 'cancelled'> {
  return new Dialog(options).run()
}

class Dialog {
  readonly #host = document.createElement('imkey-pairing')
  readonly #dialog: HTMLDialogElement
  readonly #after = h('span')
  readonly #trust = h('p', { class: 'quiet' })
  readonly #pairing: Pairing
  readonly #stage: Stage
  readonly #language: Language
  readonly #report: Report
  readonly #ended = new AbortController()
  #resolve!: (result: 'bound' | 'cancelled') => void
  #bound = false

  constructor(private readonly options: PairingDialogOptions) {
    const { imkey, device, rememberCode = true, version } = options
    this.#language = options.language ?? preferred([document.documentElement.lang, ...navigator.languages])
    const framed = framedWithoutUSB(window)
    this.#report = new Report(
      {
        version,
        // The name of this script contains a hash of its content.
        script: new URL(import.meta.url).pathname.split('/').at(-1)!,
        userAgent: navigator.userAgent,
        languages: navigator.languages,
        webusb: 'usb' in navigator,
        secure: isSecureContext,
        framed,
      },
      () => new Date(),
    )
    this.#pairing = new Pairing(
      {
        load: async () => imkey,
        support: { supported: true },
        simulator: null,
        ...(device && { given: device }),
        wait,
        report: this.#report,
      },
      (state) => this.#show(state),
    )

    const inside = h('div', { class: 'inside' })
    this.#dialog = this.#draw(inside)
    this.#stage = new Stage(inside, {
      language: this.#language,
      surroundings: { platform: platformOf(navigator.userAgent), framed },
      simulator: false,
      given: device !== undefined,
      offerKeep: rememberCode,
      actions: {
        connect: () => void this.#pairing.connect(),
        connectSimulated: () => undefined,
        another: () => void this.#pairing.another(),
        pick: (place) => void this.#pairing.pick(place),
        takeOver: () => void this.#pairing.takeOver(),
        goOn: () => void this.#pairing.goOn(),
        submit: (code, keep) => void this.#pairing.submit(code, keep),
        showAgain: () => void this.#pairing.showAgain(),
        cancel: () => this.#cancel(),
        leave: () => this.#end(),
        retry: () => void this.#pairing.retry(),
        copyReport: () => void this.#copyReport(),
        forgetting: {
          forget: () => void this.#pairing.forget(),
          forgetNow: () => void this.#pairing.forgetNow(),
          keepBinding: () => void this.#pairing.keepBinding(),
        },
      },
    })
  }

  run(): Promise<'bound' | 'cancelled'> {
    const { signal, device } = this.options
    if (signal?.aborted) return Promise.resolve('cancelled')
    const before = focused(document)
    const listening = { signal: this.#ended.signal }
    const root = this.#host.attachShadow({ mode: 'closed' })
    root.adoptedStyleSheets = [sheetOf(css)]
    root.append(this.#dialog)
    for (const name of ownEvents) root.addEventListener(name, (event) => event.stopPropagation(), { passive: true, ...listening })

    // Escape closes the dialog as the other ways do. At a second Escape, browsers close it in any case, with an event.
    this.#dialog.addEventListener(
      'cancel',
      (event) => {
        event.preventDefault()
        this.#cancel()
      },
      listening,
    )
    this.#dialog.addEventListener('close', () => this.#end(), listening)
    signal?.addEventListener('abort', () => this.#end(), listening)
    window.addEventListener('pagehide', () => this.#end(), listening)

    // A page that replaces its content takes the dialog out without an event. A dialog that was moved is not modal any more.
    const watching = new MutationObserver(() => {
      if (!this.#dialog.matches(':modal')) this.#end()
    })
    this.#ended.signal.addEventListener('abort', () => watching.disconnect())

    ;(document.body ?? document.documentElement).append(this.#host)
    this.#dialog.showModal()
    watching.observe(document, { childList: true, subtree: true })
    this.#head()
    void this.#stage.show(this.#pairing.state)
    if (device) void this.#pairing.connect()
    return new Promise<'bound' | 'cancelled'>((resolve) => {
      this.#resolve = resolve
    }).finally(() => {
      if (before?.isConnected) before.focus({ preventScroll: true })
    })
  }

  #show(state: State): void {
    if (this.#ended.signal.aborted) return
    this.#bound = state.name === 'bound'
    // There is no code to enter, because another tab has bound the device.
    if (state.name === 'bound' && !state.fresh) return this.#end()
    this.#head()
    void this.#stage.show(state)
  }

  /** Says what the site asks the user for, or that it is done. */
  #head(): void {
    this.#after.textContent = (this.#bound ? has : wants).after[this.#language]
    this.#trust.textContent = words.trust[this.#language]
    this.#trust.hidden = this.#bound
  }

  /** Stops a check that is under way. Otherwise it closes the dialog. */
  #cancel(): void {
    if (this.#pairing.state.name === 'checking') void this.#pairing.cancel()
    else this.#end()
  }

  #end(): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#stage.leave()
    this.#dialog.close()
    this.#host.remove()
    const result = this.#bound ? 'bound' : 'cancelled'
    void this.#pairing.end().finally(() => this.#resolve(result))
  }

  #draw(inside: HTMLElement): HTMLDialogElement {
    const language = this.#language
    const close = words.close[language]
    return h(
      'dialog',
      { class: 'dialog', lang: languageTag[language], 'aria-labelledby': 'asking' },
      h(
        'header',
        { class: 'asking' },
        h(
          'div',
          {},
          h(
            'p',
            { id: 'asking' },
            wants.before[language],
            h('strong', { translate: 'no' }, location.host || location.protocol),
            this.#after,
          ),
          this.#trust,
        ),
        h(
          'button',
          { type: 'button', class: 'close', 'data-action': 'close', 'aria-label': close, title: close, click: () => this.#cancel() },
          svg('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true' }, svg('path', { d: 'M5 5 L15 15 M15 5 L5 15' })),
        ),
      ),
      inside,
    )
  }

  async #copyReport(): Promise<void> {
    const t = (text: { en: string; zh: string }) => text[this.#language]
    const text = this.#report.text()
    try {
      await navigator.clipboard.writeText(text)
      this.#stage.note(t(pairing.copied))
    } catch {
      const area = h('textarea', { class: 'report', readonly: true, rows: 8, 'aria-label': t(pairing.report) }, text)
      this.#stage.note(t(pairing.copyFailed), area)
    }
  }
}
