// The exceptional states, errors among them. This file is loaded when the first of them is to be drawn.

import { advice } from '../words/errors'
import { pairing as words } from '../words/pairing'
import { exceptional } from '../words/exceptional'
import type { Text } from '../words/text'
import { danger, primary, quiet, secondary } from '../blocks/buttons'
import { row } from '../blocks/row'
import { deviceCard } from './card'
import { h } from '../blocks/dom'
import { View, type Rendered } from '../blocks/view'
import { pictureOf } from './picture'
import type { Context } from './render'
import { several } from './several'
import { damaged, type ExceptionalState } from './state'

/** render draws an exceptional state, as render.ts draws the others. */
export function render(state: ExceptionalState, context: Context): Rendered {
  const { language, handlers, entrances } = context
  const forgetting = handlers.manage ?? handlers.forgetting
  const t = (text: Text) => text[language]
  const view = new View(state, pictureOf(state), context)

  switch (state.name) {
    case 'unsupported': {
      const insecure = state.reason === 'insecure-context'
      view.heading(insecure ? exceptional.insecureTitle : exceptional.unsupportedTitle)
      view.lead(insecure ? exceptional.insecureLead : exceptional.unsupportedLead)
      if (!insecure) {
        view.add(h('ul', { class: 'list' }, h('li', {}, t(exceptional.unsupportedDesktop)), h('li', {}, t(exceptional.unsupportedAndroid))))
      }
      if (context.simulator) {
        view.actions(primary('connect-simulated', t(words.trySimulated), handlers.connectSimulated))
      } else {
        view.add(
          h('p', {}, t(exceptional.runSimulator)),
          h('pre', { class: 'snippet', translate: 'no' }, 'go run ./devicesim/cmd/imkeysim'),
        )
      }
      return view.rendered()
    }

    case 'several':
      return several(view, state.choices, language, handlers)

    case 'in-use':
      view.heading(state.mute ? exceptional.muteTitle : exceptional.inUseTitle)
      view.lead(state.mute ? exceptional.muteLead : exceptional.inUseLead)
      view.actions(primary('take-over', t(exceptional.useHere), handlers.takeOver), secondary('stop', t(words.stop), handlers.leave))
      return view.rendered()

    case 'taken-over':
      view.heading(exceptional.takenTitle)
      view.lead(exceptional.takenLead)
      view.actions(primary('take-over', t(exceptional.useHere), handlers.takeOver), secondary('stop', t(words.stop), handlers.leave))
      return view.rendered()

    case 'elsewhere':
      view.heading(exceptional.elsewhereTitle)
      view.warning(exceptional.elsewhereLead)
      view.text(exceptional.elsewhereCode)
      view.text(exceptional.elsewhereWhere, 'quiet')
      view.actions(primary('go-on', t(exceptional.elsewhereGoOn), handlers.goOn), secondary('stop', t(words.stop), handlers.leave))
      view.add(
        entrances &&
          h(
            'div',
            { class: 'asides' },
            quiet('lost', t(words.noCode), entrances.lost),
            quiet('import', t(exceptional.fromFile), entrances.importBinding),
          ),
      )
      return view.rendered()

    case 'reset':
      view.heading(exceptional.resetTitle)
      view.add(deviceCard(state.device, language))
      view.lead(exceptional.resetLead)
      view.text(exceptional.resetWallet)
      view.text(exceptional.resetStranger, 'quiet')
      view.actions(primary('go-on', t(exceptional.bindAgain), handlers.goOn), secondary('stop', t(words.stop), handlers.leave))
      return view.rendered()

    case 'rebound':
      view.heading(exceptional.reboundTitle)
      view.add(deviceCard(state.device, language))
      view.lead(exceptional.reboundLead)
      view.text(exceptional.reboundNext)
      view.text(exceptional.reboundStranger, 'quiet')
      view.actions(
        primary('go-on', t(exceptional.bindAgain), handlers.goOn),
        forgetting && secondary('forget', t(exceptional.forgetBinding), forgetting.forget),
      )
      view.add(h('div', { class: 'aside' }, quiet('stop', t(words.stop), handlers.leave)))
      return view.rendered()

    case 'forget': {
      view.heading(state.going ? exceptional.forgetting : state.damage ? exceptional.forgetDamagedTitle : exceptional.forgetTitle)
      view.add(h('dl', { class: 'card' }, row(words.serial, state.serial, language)))
      if (state.going) {
        view.progress()
        return view.rendered()
      }
      if (state.damage === 'device-mismatch') view.warning(exceptional.forgetMismatch)
      if (!state.former) view.warning(exceptional.forgetLead)
      view.add(h('p', {}, t(exceptional.forgetWallet)))
      if (!state.damage && !state.former) view.add(h('p', { class: 'quiet' }, t(exceptional.shutOut)))
      view.actions(
        forgetting && secondary('keep-binding', t(words.keepBinding), forgetting.keepBinding),
        forgetting && danger('forget-now', t(words.forgetNow), forgetting.forgetNow),
      )
      return view.rendered()
    }

    case 'error': {
      const { what, next, snippet, calm } = advice(state.code, context.surroundings, state.reason)
      const retry = primary('retry', t(words.tryAgain), handlers.retry)
      view.heading(what, null, calm ? '' : 'heading-error')
      view.lead(next)
      if (snippet) view.add(h('pre', { class: 'snippet', translate: 'no', tabindex: 0 }, snippet))
      view.actions(
        retry,
        forgetting && damaged(state.code) && secondary('forget', t(exceptional.forgetBinding), forgetting.forget),
        secondary('copy-report', t(exceptional.copyReport), handlers.copyReport),
      )
      view.add(
        // A dialog has its own button to close it. In an iframe without USB, the only way on is a tab.
        entrances && !context.surroundings.framed && h('div', { class: 'aside' }, quiet('stop', t(exceptional.toStart), handlers.leave)),
        h('p', { class: 'error-code' }, `${t(exceptional.errorCode)} `, h('code', { translate: 'no' }, state.code)),
      )
      view.element.setAttribute('data-error', state.code)
      // Another device: a key that was pressed for the view before must not start anything.
      const alarming = state.code === 'device-changed' || state.code === 'device-mismatch'
      return { ...view.rendered(alarming ? undefined : retry), urgent: !calm }
    }
  }
}
