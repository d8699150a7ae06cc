// The sites that have a permission, and what each had signed.

import { h } from '../blocks/dom'
import { sites as words } from '../words/sites'
import type { Language } from '../words/text'
import { render } from './render'
import type { Asking, OtherCoin, Sites } from './state'

export interface SitesOptions {
  readonly language: Language
  /** The list of the sites is a part of a page that is about more. The activity is left out. */
  readonly part?: boolean
  /** Is called when the user confirmed that the permission of an origin ends, for a coin or for Ethereum. */
  readonly onRevoke: (origin: string, coin?: OtherCoin) => unknown
  /** Is called when the user confirmed that the activity is erased: all of it, or that of an origin. */
  readonly onErase: (origin?: string) => unknown
}

export interface SitesView {
  /** show shows the lists. A confirmation that is asked for stays, unless its site is gone. */
  show(state: Sites, asking?: Asking): void
  speak(language: Language): void
  close(): void
}

/** How many entries of the activity are drawn at first, and how many more at a time. */
const pageOf = 10

/** mountSites makes the lists in an element. The page has to have ui/sites/sites.css. */
export function mountSites(root: HTMLElement, options: SitesOptions): SitesView {
  const stage = h('div', { class: 'stage' })
  const said = h('p', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite', 'data-live': 'polite' })
  root.append(stage, said)
  let { language } = options
  const { part = false } = options
  let state: Sites = { permissions: [], activity: [], open: [] }
  let asking: Asking | undefined
  let most = pageOf

  const draw = (focus?: string) => {
    // The focus stays on the same button of the same site.
    const had = stage.contains(document.activeElement) ? (document.activeElement as HTMLElement) : undefined
    const action = focus ?? had?.dataset['action']
    const place = (one: HTMLElement | undefined) => {
      const { origin, coin } = one?.closest<HTMLElement>('[data-origin]')?.dataset ?? {}
      return `${origin} ${coin}`
    }
    const at = place(had)
    stage.replaceChildren(render(state, { language, asking, most, handlers, part }))
    if (!had) return
    const alike = [...stage.querySelectorAll<HTMLElement>(action === undefined ? 'h1, h2' : `[data-action="${action}"]`)]
    const same = alike.find((one) => place(one) === at)
    ;(same ?? stage.querySelector<HTMLElement>('h1, h2'))?.focus({ preventScroll: true })
  }
  const finish = (f: () => unknown) => {
    asking = undefined
    f()
    said.textContent = ''
    said.textContent = words.done[language]
    draw('none')
  }
  const handlers = {
    ask: (question: Asking | undefined) => {
      const back = asking
      asking = question
      draw(question ? 'keep' : back && 'revoke' in back ? 'revoke' : back?.erase === true ? 'erase' : 'erase-site')
    },
    revoke: (origin: string, coin?: OtherCoin) => finish(() => options.onRevoke(origin, coin)),
    erase: (origin?: string) => finish(() => (origin === undefined ? options.onErase() : options.onErase(origin))),
    more: () => {
      most += pageOf
      draw()
    },
  }
  draw()
  return {
    show: (next, question = asking) => {
      state = next
      asking = question && isGone(question, next) ? undefined : question
      draw()
    },
    speak: (chosen) => {
      language = chosen
      draw()
    },
    close: () => {
      stage.remove()
      said.remove()
    },
  }
}

/** isGone says whether there is nothing left that a question is about. */
function isGone(question: Asking, { permissions, activity }: Sites): boolean {
  if ('revoke' in question) return !permissions.some(({ origin, coin }) => origin === question.revoke && coin === question.coin)
  return !activity.some(({ origin }) => question.erase === true || question.erase === origin)
}
