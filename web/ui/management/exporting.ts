import { manage as words } from '../words/management'
import { pairing } from '../words/pairing'
import { exceptional } from '../words/exceptional'
import type { Language, Text } from '../words/text'
import { primary, secondary, submitting } from '../blocks/buttons'
import { row } from '../blocks/row'
import { h } from '../blocks/dom'
import type { Rendered, View } from '../blocks/view'
import { fileName, type Manager } from './manager'
import { account, passphraseField, showPassphrase } from './passphrase'
import type { ManageState } from './state'
import { strengthOf, type Strength } from './strength'

/** exporting draws the form for the passphrase, and the progress while the file is made. */
export function exporting(
  view: View,
  { known, going }: Extract<ManageState, { name: 'export' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  if (going) {
    view.heading(words.exporting)
    view.lead(words.exportingLead)
    view.progress()
    view.actions(secondary('back', t(pairing.cancel), () => manager.back()))
    return view.rendered()
  }
  const first = passphraseField('passphrase', words.passphrase, language, () => {
    first.say(first.input.value === '' ? null : strengths[strengthOf(first.input.value)])
  })
  const second = passphraseField('passphrase-again', words.passphraseAgain, language, () => second.say(null))
  const submit = (event: Event) => {
    event.preventDefault()
    const strength = strengthOf(first.input.value)
    if (strength === 'short' || strength === 'weak') {
      first.say(strengths[strength], true)
      first.input.focus()
    } else if (first.input.value !== second.input.value) {
      second.say(words.mismatch, true)
      second.input.focus()
    } else void manager.exportWith(first.input.value)
  }
  view.heading(words.exportTitle)
  view.lead(words.exportLead)
  view.add(h('dl', { class: 'card' }, row(pairing.serial, known.serial, language)))
  view.warning(words.exportMeaning)
  view.text(words.exportSigning, 'quiet')
  view.text(exceptional.shutOut, 'quiet')
  view.add(
    h(
      'form',
      { class: 'form', submit },
      account(fileName(known.serial)),
      first.element,
      second.element,
      showPassphrase(language, first, second),
      h(
        'div',
        { class: 'actions' },
        submitting('export-now', t(words.exportNow)),
        secondary('back', t(pairing.cancel), () => manager.back()),
      ),
    ),
  )
  return view.rendered()
}

/** exported draws what to do with the exported file. */
export function exported(
  view: View,
  { known, file }: Extract<ManageState, { name: 'exported' }>,
  language: Language,
  manager: Manager,
): Rendered {
  view.heading(words.exportedTitle)
  view.lead(words.exportedLead)
  view.add(h('dl', { class: 'card' }, row(words.file, file, language), row(pairing.serial, known.serial, language)))
  view.warning(words.exportMeaning)
  view.text(words.exportedLost, 'quiet')
  view.text(exceptional.shutOut, 'quiet')
  view.actions(primary('back', pairing.done[language], () => manager.back()))
  return view.rendered()
}

const strengths: Readonly<Record<Strength, Text>> = {
  short: words.strengthShort,
  weak: words.strengthWeak,
  fair: words.strengthFair,
  strong: words.strengthStrong,
}
