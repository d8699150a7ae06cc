import { manage as words, wordCount } from '../words/management'
import { pairing } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { primary, secondary } from '../blocks/buttons'
import { row } from '../blocks/row'
import { h } from '../blocks/dom'
import type { Rendered, View } from '../blocks/view'
import type { KnownFacts } from '../model/facts'
import type { Manager } from './manager'
import type { ManageState } from './state'

/** The numbers of words that a mnemonic phrase may have, according to BIP-39. */
const counts = [12, 15, 18, 21, 24] as const

/**
 * lostCode draws one step for a user who does not have the binding code. The questions protect the user from erasing a wallet
 * that cannot be restored.
 */
export function lostCode(
  view: View,
  { step, serial, known }: Extract<ManageState, { name: 'lost' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  const stop = secondary('back', t(words.stop), () => manager.back())
  const which = h('dl', { class: 'card' }, row(pairing.serial, serial, language))
  switch (step) {
    case 'first':
      view.heading(words.lostFirstTitle)
      view.add(which)
      view.lead(easier(known))
      view.text(words.lostFirstOther)
      view.actions(
        known && primary('connect-known', t(words.connect), () => manager.connect()),
        secondary('lost-go-on', t(words.lostFirstNo), () => manager.lostGoOn('why')),
        stop,
      )
      return view.rendered()

    case 'why':
      view.heading(words.lostTitle)
      view.add(which)
      view.lead(words.lostLead)
      view.text(words.lostReset)
      view.warning(words.lostWipe)
      view.text(words.lostPage, 'quiet')
      view.actions(
        primary('back', t(words.stop), () => manager.back()),
        secondary('lost-go-on', t(words.lostGoOn), () => manager.lostGoOn('at-hand')),
      )
      return view.rendered()

    case 'at-hand': {
      const tick = h('input', { type: 'checkbox', 'data-control': 'at-hand' })
      const { element, goOn } = question(
        t(words.atHandFirst),
        t(words.goOn),
        tick,
        () => tick.checked,
        () => manager.lostGoOn('count'),
      )
      tick.addEventListener('change', () => goOn.follow())
      view.heading(words.atHandTitle)
      view.lead(words.atHandLead)
      view.add(h('label', { class: 'tick' }, tick, h('span', {}, t(words.atHandTick))), element)
      view.actions(
        goOn.button,
        secondary('lost-keep', t(words.atHandNo), () => manager.lostGoOn('keep')),
      )
      return view.rendered()
    }

    case 'count': {
      const boxes = [...counts.map((n) => ({ value: String(n), label: t(wordCount(n)) })), { value: '', label: t(words.countOther) }].map(
        ({ value, label }) => {
          const box = h('input', {
            type: 'radio',
            name: 'count',
            value,
            'data-control': `count-${value || 'other'}`,
            change: () => goOn.follow(),
          })
          return { box, element: h('label', { class: 'tick' }, box, h('span', {}, label)) }
        },
      )
      const chosen = () => boxes.find(({ box }) => box.checked)?.box.value
      const { element, goOn } = question(
        t(words.countFirst),
        t(words.goOn),
        boxes[0]!.box,
        () => chosen() !== undefined,
        () => manager.lostGoOn(chosen() === '' ? 'keep' : 'how'),
      )
      view.heading(words.countTitle)
      view.lead(words.countLead)
      view.add(
        h(
          'fieldset',
          { class: 'choices' },
          h('legend', { class: 'visually-hidden' }, t(words.countTitle)),
          ...boxes.map(({ element }) => element),
        ),
        element,
      )
      view.actions(goOn.button, stop)
      return view.rendered()
    }

    case 'keep':
      view.heading(words.keepTitle)
      view.lead(words.keepLead)
      view.text(words.keepOther)
      view.actions(primary('back', t(pairing.done), () => manager.back()))
      return view.rendered()

    case 'how':
      view.heading(words.howTitle)
      view.lead(words.howLead)
      view.add(
        which,
        h('ol', { class: 'list' }, ...[words.howMenu, words.howRestore, words.howConnect].map((step) => h('li', {}, t(step)))),
      )
      view.text(words.lostPage, 'quiet')
      view.actions(
        primary('connect-known', t(words.howDone), () => manager.connect()),
        stop,
      )
      return view.rendered()
  }
}

/** easier returns the advice that may give the code without a reset. */
function easier(known: KnownFacts | null): Text {
  if (known?.record !== 'bound' && known?.record !== 'imported') return words.lostFirstAsk
  return known.codeKept ? words.lostFirstKept : words.lostFirstScreen
}

/** question makes a button that goes on only after an answer. Before that it shows what is missing. */
function question(missing: string, label: string, field: HTMLInputElement, answered: () => boolean, goOn: () => void) {
  const element = h('p', { class: 'quiet hint', role: 'status', 'aria-live': 'polite' })
  const button = primary('lost-go-on', label, () => {
    if (answered()) return goOn()
    element.textContent = missing
    field.focus()
  })
  // The button is not disabled: a disabled button cannot say why.
  const follow = () => {
    element.textContent = ''
    button.setAttribute('aria-disabled', String(!answered()))
  }
  follow()
  return { element, goOn: { button, follow } }
}
