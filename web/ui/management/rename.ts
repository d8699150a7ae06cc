import { manage as words } from '../words/management'
import { pairing } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { secondary, submitting } from '../blocks/buttons'
import { row } from '../blocks/row'
import { h } from '../blocks/dom'
import type { Rendered, View } from '../blocks/view'
import type { KnownFacts } from '../model/facts'
import type { Manager } from './manager'

/** The longest name, in characters. */
const maxLength = 32

/** rename draws the form for a name. */
export function rename(view: View, known: KnownFacts, language: Language, manager: Manager): Rendered {
  const t = (text: Text) => text[language]
  const hint = h('p', { class: 'code-hint', id: 'name-hint', role: 'status', 'aria-live': 'polite' })
  const field = h('input', {
    type: 'text',
    id: 'name',
    class: 'field',
    'data-control': 'name',
    autocomplete: 'off',
    spellcheck: 'false',
    value: known.name,
    'aria-describedby': 'name-hint',
    input: () => check(),
  })
  const check = () => {
    const long = [...field.value.trim()].length > maxLength
    hint.textContent = long ? t(words.nameLong) : ''
    field.setAttribute('aria-invalid', String(long))
    return !long
  }
  view.heading(words.renameTitle)
  view.lead(words.renameLead)
  view.add(
    h('dl', { class: 'card' }, row(pairing.serial, known.serial, language)),
    h(
      'form',
      {
        class: 'form',
        submit: (event) => {
          event.preventDefault()
          if (check()) void manager.saveName(field.value)
          else field.focus()
        },
      },
      h('div', { class: 'labelled' }, h('label', { for: 'name' }, t(words.nameLabel)), field, hint),
      h(
        'div',
        { class: 'actions' },
        submitting('save-name', t(words.save)),
        secondary('back', t(pairing.cancel), () => manager.back()),
      ),
    ),
  )
  return view.rendered(field)
}
