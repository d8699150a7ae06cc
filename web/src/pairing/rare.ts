// The states that no first pairing comes to, errors among them. They are loaded when there is one to be drawn.

import { advice } from '../i18n/errors'
import { pairing as words } from '../i18n/pairing'
import { rare } from '../i18n/rare'
import type { Text } from '../i18n/text'
import { danger, primary, quiet, secondary } from './buttons'
import { deviceCard, row } from './card'
import { h } from './dom'
import { Frame, type Rendered } from './frame'
import { pictureOf } from './picture'
import type { Context } from './render'
import { several } from './several'
import { damaged, type Rare } from './state'

/** render draws a state, as that of render.ts does. */
export function render(state: Rare, context: Context): Rendered {
  const { language, handlers, entrances } = context
  const forgetting = handlers.manage ?? handlers.forgetting
  const t = (text: Text) => text[language]
  const frame = new Frame(state, pictureOf(state), context)

  switch (state.name) {
    case 'unsupported': {
      const insecure = state.reason === 'insecure-context'
      frame.heading(insecure ? rare.insecureTitle : rare.unsupportedTitle)
      frame.lead(insecure ? rare.insecureLead : rare.unsupportedLead)
      if (!insecure) {
        frame.add(h('ul', { class: 'list' }, h('li', {}, t(rare.unsupportedDesktop)), h('li', {}, t(rare.unsupportedAndroid))))
      }
      if (context.simulator) {
        frame.actions(primary('connect-simulated', t(words.trySimulated), handlers.connectSimulated))
      } else {
        frame.add(
          h('p', {}, t(rare.runSimulator)),
          h('pre', { class: 'snippet', translate: 'no' }, 'go run ./devicesim/cmd/imkeysim'),
        )
      }
      return frame.rendered()
    }

    case 'several':
      return several(frame, state.choices, language, handlers)

    case 'in-use':
      frame.heading(state.mute ? rare.muteTitle : rare.inUseTitle)
      frame.lead(state.mute ? rare.muteLead : rare.inUseLead)
      frame.actions(primary('take-over', t(rare.useHere), handlers.takeOver), secondary('stop', t(words.stop), handlers.leave))
      return frame.rendered()

    case 'taken-over':
      frame.heading(rare.takenTitle)
      frame.lead(rare.takenLead)
      frame.actions(primary('take-over', t(rare.useHere), handlers.takeOver), secondary('stop', t(words.stop), handlers.leave))
      return frame.rendered()

    case 'elsewhere':
      frame.heading(rare.elsewhereTitle)
      frame.warning(rare.elsewhereLead)
      frame.text(rare.elsewhereCode)
      frame.text(rare.elsewhereWhere, 'quiet')
      frame.actions(
        primary('go-on', t(rare.elsewhereGoOn), handlers.goOn),
        secondary('stop', t(words.stop), handlers.leave),
      )
      frame.add(
        entrances &&
          h(
            'div',
            { class: 'asides' },
            quiet('lost', t(words.noCode), entrances.lost),
            quiet('import', t(rare.fromFile), entrances.importBinding),
          ),
      )
      return frame.rendered()

    case 'reset':
      frame.heading(rare.resetTitle)
      frame.add(deviceCard(state.device, language))
      frame.lead(rare.resetLead)
      frame.text(rare.resetWallet)
      frame.text(rare.resetStranger, 'quiet')
      frame.actions(primary('go-on', t(rare.bindAgain), handlers.goOn), secondary('stop', t(words.stop), handlers.leave))
      return frame.rendered()

    case 'rebound':
      frame.heading(rare.reboundTitle)
      frame.add(deviceCard(state.device, language))
      frame.lead(rare.reboundLead)
      frame.text(rare.reboundNext)
      frame.text(rare.reboundStranger, 'quiet')
      frame.actions(
        primary('go-on', t(rare.bindAgain), handlers.goOn),
        forgetting && secondary('forget', t(rare.forgetBinding), forgetting.forget),
      )
      frame.add(h('div', { class: 'aside' }, quiet('stop', t(words.stop), handlers.leave)))
      return frame.rendered()

    case 'forget': {
      frame.heading(state.going ? rare.forgetting : state.damage ? rare.forgetDamagedTitle : rare.forgetTitle)
      frame.add(h('dl', { class: 'card' }, row(words.serial, state.serial, language)))
      if (state.going) {
        frame.progress()
        return frame.rendered()
      }
      if (state.damage === 'device-mismatch') frame.warning(rare.forgetMismatch)
      if (!state.former) frame.warning(rare.forgetLead)
      frame.add(h('p', {}, t(rare.forgetWallet)))
      if (!state.damage && !state.former) frame.add(h('p', { class: 'quiet' }, t(rare.shutOut)))
      frame.actions(
        forgetting && secondary('keep-binding', t(words.keepBinding), forgetting.keepBinding),
        forgetting && danger('forget-now', t(words.forgetNow), forgetting.forgetNow),
      )
      return frame.rendered()
    }

    case 'error': {
      const { what, next, snippet, calm } = advice(state.code, context.surroundings)
      const retry = primary('retry', t(words.tryAgain), handlers.retry)
      frame.heading(what, null, calm ? '' : 'heading-error')
      frame.lead(next)
      if (snippet) frame.add(h('pre', { class: 'snippet', translate: 'no', tabindex: 0 }, snippet))
      frame.actions(
        retry,
        forgetting && damaged(state.code) && secondary('forget', t(rare.forgetBinding), forgetting.forget),
        secondary('copy-report', t(rare.copyReport), handlers.copyReport),
      )
      frame.add(
        // A dialog has a way out of its own, and a frame without USB none but the tab that it is told to open.
        entrances && !context.surroundings.framed && h('div', { class: 'aside' }, quiet('stop', t(rare.toStart), handlers.leave)),
        h('p', { class: 'error-code' }, `${t(rare.errorCode)} `, h('code', { translate: 'no' }, state.code)),
      )
      frame.element.setAttribute('data-error', state.code)
      return { ...frame.rendered(retry), urgent: !calm }
    }
  }
}
