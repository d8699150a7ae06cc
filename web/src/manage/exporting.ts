import { manage as words } from '../i18n/manage'
import { pairing } from '../i18n/pairing'
import { rare } from '../i18n/rare'
import type { Language, Text } from '../i18n/text'
import { primary, secondary, submitting } from '../pairing/buttons'
import { row } from '../pairing/card'
import { h } from '../pairing/dom'
import type { Frame, Rendered } from '../pairing/frame'
import { fileName, type Manager } from './manager'
import { account, passphraseField, showing } from './passphrase'
import type { ManageState } from './state'
import { strengthOf, type Strength } from './strength'

/** exporting draws the question for a passphrase, and the wait while the file is made. */
export function exporting(
  frame: Frame,
  { known, going }: Extract<ManageState, { name: 'export' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  if (going) {
    frame.heading(words.exporting)
    frame.lead(words.exportingLead)
    frame.progress()
    frame.actions(secondary('back', t(pairing.cancel), () => manager.back()))
    return frame.rendered()
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
  frame.heading(words.exportTitle)
  frame.lead(words.exportLead)
  frame.add(h('dl', { class: 'card' }, row(pairing.serial, known.serial, language)))
  frame.warning(words.exportMeaning)
  frame.text(words.exportSigning, 'quiet')
  frame.text(rare.shutOut, 'quiet')
  frame.add(
    h(
      'form',
      { class: 'form', submit },
      account(fileName(known.serial)),
      first.element,
      second.element,
      showing(language, first, second),
      h(
        'div',
        { class: 'actions' },
        submitting('export-now', t(words.exportNow)),
        secondary('back', t(pairing.cancel), () => manager.back()),
      ),
    ),
  )
  return frame.rendered()
}

/** exported draws what to do with the file. */
export function exported(
  frame: Frame,
  { known, file }: Extract<ManageState, { name: 'exported' }>,
  language: Language,
  manager: Manager,
): Rendered {
  frame.heading(words.exportedTitle)
  frame.lead(words.exportedLead)
  frame.add(h('dl', { class: 'card' }, row(words.file, file, language), row(pairing.serial, known.serial, language)))
  frame.warning(words.exportMeaning)
  frame.text(words.exportedLost, 'quiet')
  frame.text(rare.shutOut, 'quiet')
  frame.actions(primary('back', pairing.done[language], () => manager.back()))
  return frame.rendered()
}

const strengths: Readonly<Record<Strength, Text>> = {
  short: words.strengthShort,
  weak: words.strengthWeak,
  fair: words.strengthFair,
  strong: words.strengthStrong,
}
