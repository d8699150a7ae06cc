// The pairing as a dialog on the page of a dApp: the states, words and drawings of the connect page, in a shadow tree that
// the page's styles do not reach into. It needs neither markup nor a style sheet of the page, and no exception from its
// Content-Security-Policy.

import { dialog as words, has, wants } from '../words/dialog'
import { preferred } from '../words/language'
import { pairing } from '../words/pairing'
import { languageTag, type Language } from '../words/text'
import { Pairing } from '../pairing/pairing'
import css from './dialog.css?text'
import { h, svg } from '../blocks/dom'
import { framedWithoutUSB, platformOf } from '../model/platform'
import { Report } from '../model/report'
import type { Device, ImKey } from '../model/sdk'
import type { State } from '../pairing/state'
import { Stage } from '../pairing/stage'
import { wait } from '../model/wait'

export interface PairingDialogOptions {
  readonly imkey: ImKey
  /** Open; it is left so. Without one the person connects it in the dialog. */
  readonly device?: Device
  /** Closes the dialog. */
  readonly signal?: AbortSignal
  /** Whether the person is asked if the code is to be kept, encrypted, in this browser. Default: true; false keeps none. */
  readonly rememberCode?: boolean
  /** Default: the page's language if it is one that the dialog speaks, else the browser's. */
  readonly language?: Language
}

/**
 * openPairingDialog has the person bind a device to this page's origin. It resolves when the dialog is gone and the device
 * idle, and tells whether the device is bound. What is typed is passed to the SDK and kept nowhere else.
 */
export function openPairingDialog(options: PairingDialogOptions): Promise<'bound' | 'cancelled'> {
  return new Dialog(options).run()
}

/** What the page must not hear of: its shortcuts and its own dialogs would take it for theirs. */
const ours = [
  'keydown', 'keyup', 'keypress', 'beforeinput', 'input', 'change', 'paste', 'copy', 'cut', 'drop', 'dragover',
  'compositionstart', 'compositionupdate', 'compositionend', 'focusin', 'focusout', 'click', 'mousedown', 'mouseup',
  'pointerdown', 'pointerup', 'touchstart', 'touchend', 'wheel',
]

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
    const { imkey, device, rememberCode = true } = options
    this.#language = options.language ?? preferred([document.documentElement.lang, ...navigator.languages])
    const framed = framedWithoutUSB(window)
    this.#report = new Report(
      {
        // The name of this script has a hash of what is in it.
        version: new URL(import.meta.url).pathname.split('/').at(-1)!,
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
    root.adoptedStyleSheets = [sheet()]
    root.append(this.#dialog)
    for (const name of ours) root.addEventListener(name, (event) => event.stopPropagation(), { passive: true, ...listening })

    // Escape is a way out like the others. A browser that closes the dialog all the same, at a second one, says so.
    this.#dialog.addEventListener('cancel', (event) => {
      event.preventDefault()
      this.#cancel()
    }, listening)
    this.#dialog.addEventListener('close', () => this.#end(), listening)
    signal?.addEventListener('abort', () => this.#end(), listening)
    window.addEventListener('pagehide', () => this.#end(), listening)

    ;(document.body ?? document.documentElement).append(this.#host)
    this.#dialog.showModal()
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
    // There was nothing to enter: another tab was quicker.
    if (state.name === 'bound' && !state.fresh) return this.#end()
    this.#head()
    void this.#stage.show(state)
  }

  /** #head says what is wanted of the person, or that it is done. */
  #head(): void {
    this.#after.textContent = (this.#bound ? has : wants).after[this.#language]
    this.#trust.textContent = words.trust[this.#language]
    this.#trust.hidden = this.#bound
  }

  /** Stops what waits for the device, and otherwise closes. */
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
          h('p', { id: 'asking' }, wants.before[language], h('strong', { translate: 'no' }, location.host || location.protocol), this.#after),
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

/**
 * sheet makes the dialog's style sheet. A rem is of the page's root element, where sites set what they like: here it is
 * what the person set in the browser. The colours are the dialog's own rather than the document's.
 */
function sheet(): CSSStyleSheet {
  const probe = h('div')
  const root = probe.attachShadow({ mode: 'closed' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(':host { all: initial !important; display: none !important; font-size: medium !important }')
  root.adoptedStyleSheets = [sheet]
  document.documentElement.append(probe)
  const rem = parseFloat(getComputedStyle(probe).fontSize)
  probe.remove()
  sheet.replaceSync(css.replace(/(\d*\.?\d+)rem\b/g, (_, n: string) => `${Number(n) * rem}px`).replaceAll(':root', '.dialog'))
  return sheet
}

/** focused gives what has the focus, in open shadow trees too. */
function focused(root: Document | ShadowRoot): HTMLElement | null {
  const element = root.activeElement
  return element?.shadowRoot ? focused(element.shadowRoot) : (element as HTMLElement | null)
}
