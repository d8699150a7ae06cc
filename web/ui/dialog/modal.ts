// What the dialogs on the page of a dApp have in common.

import { h } from '../blocks/dom'

/** The events that the page must not get, because its shortcuts and its own dialogs would act on them. */
export const ownEvents = [
  'keydown',
  'keyup',
  'keypress',
  'beforeinput',
  'input',
  'change',
  'paste',
  'copy',
  'cut',
  'drop',
  'dragover',
  'compositionstart',
  'compositionupdate',
  'compositionend',
  'focusin',
  'focusout',
  'click',
  'mousedown',
  'mouseup',
  'pointerdown',
  'pointerup',
  'touchstart',
  'touchend',
  'wheel',
]

/**
 * sheet makes the dialog's style sheet. A rem depends on the page's root element, whose font size the site may have set: here
 * it is replaced by the size that the user set in the browser. The colours are set on the dialog and not on the document.
 */
export function sheetOf(css: string): CSSStyleSheet {
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

/** focused returns the element that has the focus, in open shadow trees as well. */
export function focused(root: Document | ShadowRoot): HTMLElement | null {
  const element = root.activeElement
  return element?.shadowRoot ? focused(element.shadowRoot) : (element as HTMLElement | null)
}

/** Modal is a dialog that is open on the page. */
export interface Modal {
  /** Where its content goes. */
  readonly inside: HTMLElement
  /** Closes it. */
  close(): void
}

/**
 * openModal opens a dialog in a shadow tree, which the page's styles do not reach. closed is called once, when it is gone: closed by the user,
 * by the signal, by close, or because the page took it out.
 */
export function openModal(
  { css, lang, label, signal }: { css: string; lang: string; label: string; signal: AbortSignal | undefined },
  closed: () => void,
): Modal {
  const before = focused(document)
  const ended = new AbortController()
  const listening = { signal: ended.signal }
  const inside = h('div', { class: 'inside' })
  const dialog = h('dialog', { class: 'dialog', lang, 'aria-label': label }, inside)
  const host = document.createElement('imkey-dialog')
  const root = host.attachShadow({ mode: 'closed' })
  root.adoptedStyleSheets = [sheetOf(css)]
  root.append(dialog)
  for (const name of ownEvents) root.addEventListener(name, (event) => event.stopPropagation(), { passive: true, ...listening })
  const close = () => {
    if (ended.signal.aborted) return
    ended.abort()
    dialog.close()
    host.remove()
    if (before?.isConnected) before.focus({ preventScroll: true })
    closed()
  }
  dialog.addEventListener('close', close, listening)
  signal?.addEventListener('abort', close, listening)
  window.addEventListener('pagehide', close, listening)
  // A page that replaces its content takes the dialog out without an event. A dialog that was moved is not modal any more.
  const watching = new MutationObserver(() => {
    if (!dialog.matches(':modal')) close()
  })
  ended.signal.addEventListener('abort', () => watching.disconnect())
  ;(document.body ?? document.documentElement).append(host)
  dialog.showModal()
  watching.observe(document, { childList: true, subtree: true })
  if (signal?.aborted) close()
  return { inside, close }
}
