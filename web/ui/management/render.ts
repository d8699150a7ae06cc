import { advice, type Surroundings } from '../words/errors'
import { manage as words } from '../words/management'
import { pairing } from '../words/pairing'
import { exceptional } from '../words/exceptional'
import type { Language, Text } from '../words/text'
import { danger, primary, secondary } from '../blocks/buttons'
import { row } from '../blocks/row'
import { h } from '../blocks/dom'
import { View, type Rendered } from '../blocks/view'
import { device } from './device'
import { exported, exporting } from './exporting'
import { importing, importPassphrase, replacing } from './importing'
import { lostCode } from './lost-code'
import type { Manager } from './manager'
import { rename } from './rename'
import type { ManageState } from './state'

/** Context is what the drawing depends on beside the state. */
export interface Context {
  readonly language: Language
  readonly surroundings: Surroundings
  readonly handlers: { readonly copyReport: () => void }
}

/** render draws a state of the management. */
export function render(state: ManageState, context: Context, manager: Manager): Rendered {
  const { language } = context
  const t = (text: Text) => text[language]
  const view = new View(state, pictureOf(state), context)
  switch (state.name) {
    case 'known':
      return device(view, state, language, manager)
    case 'rename':
      return rename(view, state.known, language, manager)
    case 'export':
      return exporting(view, state, language, manager)
    case 'exported':
      return exported(view, state, language, manager)
    case 'import':
      return importing(view, state, language, manager)
    case 'import-passphrase':
      return importPassphrase(view, state, language, manager)
    case 'import-exists':
      return replacing(view, state, language, manager)
    case 'lost':
      return lostCode(view, state, language, manager)

    case 'forget-known': {
      const unreadable = state.known.record === 'unreadable'
      view.heading(state.going ? exceptional.forgetting : unreadable ? exceptional.forgetDamagedTitle : exceptional.forgetTitle)
      if (!unreadable) {
        const { called, serial } = state.known
        view.add(h('dl', { class: 'card' }, row(words.name, called, language), row(pairing.serial, serial, language)))
      }
      if (state.going) {
        view.progress()
        return view.rendered()
      }
      if (state.known.record === 'bound' || unreadable) view.warning(exceptional.forgetLead)
      view.text(exceptional.forgetWallet)
      if (state.known.record === 'bound') view.text(exceptional.shutOut, 'quiet')
      view.actions(
        secondary('back', t(pairing.keepBinding), () => manager.back()),
        danger('forget-now', t(pairing.forgetNow), () => void manager.forgetNow()),
      )
      return view.rendered()
    }

    case 'trouble': {
      const { what, next } = advice(state.code, context.surroundings, state.reason)
      const back = primary('back', t(words.back), () => manager.back())
      view.heading(what, null, 'heading-error')
      view.lead(next)
      view.actions(back, secondary('copy-report', t(exceptional.copyReport), context.handlers.copyReport))
      view.add(h('p', { class: 'error-code' }, `${t(exceptional.errorCode)} `, h('code', { translate: 'no' }, state.code)))
      view.element.setAttribute('data-error', state.code)
      return { ...view.rendered(back), urgent: true }
    }
  }
}

function pictureOf(state: ManageState) {
  const plugged = 'known' in state ? (state.known?.plugged ?? true) : false
  return { lines: plugged ? ['imKey'] : [], plugged }
}
