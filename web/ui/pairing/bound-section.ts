import { pairing as words } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { quiet } from '../blocks/buttons'
import { h } from '../blocks/dom'
import type { State } from './state'

/** ForgetHandlers forget a binding, after a question. */
export interface ForgetHandlers {
  readonly forget: () => void
  readonly forgetNow: () => void
  readonly keepBinding: () => void
}

/** ManageHandlers are what the user can do with a binding. */
export interface ManageHandlers extends ForgetHandlers {
  readonly rename: () => void
  readonly exportBinding: () => void
  readonly renewKey: () => void
  readonly viewCode: () => void
  readonly hideCode: () => void
  readonly showOnDevice: () => void
}

/** BoundSection is the section of the state `bound` that manages the binding. */
export interface BoundSection {
  readonly element: HTMLElement
  /** The element that gets the focus after an action. It is null if there was none. */
  readonly focus: HTMLElement | null
  readonly announcement: string
}

/** boundSection draws it. The element `revealed` contains the code while the code is shown. */
export function boundSection(
  state: Extract<State, { name: 'bound' }>,
  revealed: HTMLElement,
  language: Language,
  handlers: ManageHandlers,
): BoundSection {
  const t = (text: Text) => text[language]
  const view = quiet('view-code', t(words.viewCode), handlers.viewCode)
  const hide = quiet('hide-code', t(words.hideCode), handlers.hideCode)
  const shown = state.manage === 'revealed'
  const word = state.manage && outcome[state.manage]
  const said = word ? t(word) : ''
  const message = h('p', { class: 'message', tabindex: -1 }, said)
  const element = h(
    'details',
    { class: 'more manage', open: !state.fresh || state.manage !== undefined },
    h('summary', {}, t(words.manage)),
    shown && revealed,
    said !== '' && message,
    h(
      'div',
      { class: 'manage-actions' },
      shown ? hide : view,
      h('p', { class: 'quiet' }, t(words.viewCodeText)),
      quiet('show-on-device', t(words.showOnDevice), handlers.showOnDevice),
      quiet('rename', t(words.rename), handlers.rename),
      quiet('export', t(words.exportBinding), handlers.exportBinding),
      quiet('renew-key', t(words.renewKey), handlers.renewKey),
      h('p', { class: 'quiet' }, t(words.renewKeyText)),
      quiet('forget', t(words.forget), handlers.forget),
    ),
  )
  if (!state.manage) return { element, focus: null, announcement: '' }
  return { element, focus: shown ? revealed : state.manage === 'hidden' || said === '' ? view : message, announcement: said }
}

const outcome: Readonly<Record<NonNullable<Extract<State, { name: 'bound' }>['manage']>, Text | null>> = {
  'asking': words.asking,
  'renewed': words.renewed,
  'revealed': words.revealed,
  'hidden': words.hidden,
  'not-remembered': words.notRemembered,
  'on-screen': words.shownAgain,
  'renamed': words.nameSaved,
  'unnamed': words.nameRemoved,
  'returned': null,
}
