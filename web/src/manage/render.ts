import { advice } from '../i18n/errors'
import { manage as words } from '../i18n/manage'
import { pairing } from '../i18n/pairing'
import { rare } from '../i18n/rare'
import type { Text } from '../i18n/text'
import { danger, primary, secondary } from '../pairing/buttons'
import { row } from '../pairing/card'
import { h } from '../pairing/dom'
import { Frame, type Rendered } from '../pairing/frame'
import type { Context } from '../pairing/render'
import { device } from './device'
import { exported, exporting } from './exporting'
import { importing, importingWith, replacing } from './importing'
import { losing } from './losing'
import type { Manager } from './manager'
import { rename } from './rename'
import type { ManageState } from './state'

/** render draws a state of the management, as the pairing's own are drawn. */
export function render(state: ManageState, context: Context, manager: Manager): Rendered {
  const { language } = context
  const t = (text: Text) => text[language]
  const frame = new Frame(state, pictureOf(state), context)
  switch (state.name) {
    case 'known':
      return device(frame, state, language, manager)
    case 'rename':
      return rename(frame, state.known, language, manager)
    case 'export':
      return exporting(frame, state, language, manager)
    case 'exported':
      return exported(frame, state, language, manager)
    case 'import':
      return importing(frame, state, language, manager)
    case 'import-passphrase':
      return importingWith(frame, state, language, manager)
    case 'import-exists':
      return replacing(frame, state, language, manager)
    case 'lost':
      return losing(frame, state, language, manager)

    case 'forget-known': {
      const unreadable = state.known.record === 'unreadable'
      frame.heading(state.going ? rare.forgetting : unreadable ? rare.forgetDamagedTitle : rare.forgetTitle)
      if (!unreadable) {
        const { called, serial } = state.known
        frame.add(h('dl', { class: 'card' }, row(words.name, called, language), row(pairing.serial, serial, language)))
      }
      if (state.going) {
        frame.progress()
        return frame.rendered()
      }
      if (state.known.record === 'bound' || unreadable) frame.warning(rare.forgetLead)
      frame.text(rare.forgetWallet)
      if (state.known.record === 'bound') frame.text(rare.shutOut, 'quiet')
      frame.actions(
        secondary('back', t(pairing.keepBinding), () => manager.back()),
        danger('forget-now', t(pairing.forgetNow), () => void manager.forgetNow()),
      )
      return frame.rendered()
    }

    case 'trouble': {
      const { what, next } = advice(state.code, context.surroundings)
      const back = primary('back', t(words.back), () => manager.back())
      frame.heading(what, null, 'heading-error')
      frame.lead(next)
      frame.actions(back, secondary('copy-report', t(rare.copyReport), context.handlers.copyReport))
      frame.add(h('p', { class: 'error-code' }, `${t(rare.errorCode)} `, h('code', { translate: 'no' }, state.code)))
      frame.element.setAttribute('data-error', state.code)
      return { ...frame.rendered(back), urgent: true }
    }
  }
}

function pictureOf(state: ManageState) {
  const plugged = 'known' in state ? (state.known?.plugged ?? true) : false
  return { lines: plugged ? ['imKey'] : [], plugged }
}
