import { manage as words } from '../words/management'
import { pairing } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { danger, primary, secondary, submitting } from '../blocks/buttons'
import { row } from '../blocks/row'
import { h } from '../blocks/dom'
import type { Rendered, View } from '../blocks/view'
import { bindingSummary } from './list'
import type { Manager } from './manager'
import { account, passphraseField, showPassphrase } from './passphrase'
import type { FileProblem, ManageState } from './state'

/** importing draws the place where the user chooses or drops the file. */
export function importing(
  view: View,
  { problem }: Extract<ManageState, { name: 'import' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0]
    if (file) void manager.take(file)
  }
  const chooser = h('input', { type: 'file', hidden: true, 'data-control': 'file', change: () => take(chooser.files) })
  const choose = primary('choose-file', t(words.chooseFile), () => chooser.click())
  const message = problem && h('p', { class: 'message message-error', tabindex: -1 }, t(problems[problem]))
  view.heading(words.importTitle)
  view.lead(words.importLead)
  if (message) view.add(message)
  view.warning(words.importMeaning)
  const over = (event: Event) => {
    event.preventDefault() // otherwise the browser opens the file in place of the page
    place.classList.toggle('drop-over', event.type === 'dragover')
    if (event.type === 'drop') take((event as DragEvent).dataTransfer?.files)
  }
  const place = h(
    'div',
    { class: 'drop', dragover: over, dragleave: over, drop: over },
    choose,
    chooser,
    h('p', { class: 'quiet' }, t(words.dropFile)),
  )
  view.add(place)
  view.actions(secondary('back', t(pairing.cancel), () => manager.back()))
  if (!message) return view.rendered()
  return { ...view.rendered(choose), announcement: t(problems[problem]), urgent: true }
}

/** importPassphrase draws the form for the file's passphrase, and the progress while it is tried. */
export function importPassphrase(
  view: View,
  { file, problem, going }: Extract<ManageState, { name: 'import-passphrase' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  const card = h('dl', { class: 'card' }, row(words.file, file, language))
  if (going) {
    view.heading(words.importing)
    view.lead(words.importingLead)
    view.add(card)
    view.progress()
    view.actions(secondary('back', t(pairing.cancel), () => manager.back()))
    return view.rendered()
  }
  const field = passphraseField('passphrase', words.passphrase, language, () => field.say(null))
  if (problem) field.say(words.wrongPassphrase, true)
  const submit = (event: Event) => {
    event.preventDefault()
    if (field.input.value !== '') return void manager.importWith(field.input.value)
    field.say(words.noPassphrase, true)
    field.input.focus()
  }
  view.heading(words.importPassphraseTitle)
  view.lead(words.importPassphraseLead)
  view.add(
    card,
    h(
      'form',
      { class: 'form', submit },
      account(file),
      field.element,
      showPassphrase(language, field),
      h(
        'div',
        { class: 'actions' },
        submitting('import-now', t(words.importNow)),
        secondary('back', t(pairing.cancel), () => manager.back()),
      ),
    ),
  )
  if (!problem) return view.rendered(field.input)
  return { ...view.rendered(field.input), announcement: t(words.wrongPassphrase), urgent: true }
}

/** replacing draws the question whether to replace the binding that this browser has. */
export function replacing(
  view: View,
  { file, known }: Extract<ManageState, { name: 'import-exists' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  view.heading(words.existsTitle)
  view.add(
    h(
      'dl',
      { class: 'card' },
      row(words.name, known?.called ?? null, language),
      row(pairing.serial, known?.serial || null, language),
      row(pairing.binding, known && t(bindingSummary(known)), language),
      row(words.file, file, language),
    ),
  )
  view.warning(words.existsLead)
  if (known?.codeKept) view.text(words.existsCode)
  view.text(words.existsAdvice)
  view.actions(
    secondary('back', t(words.keepMine), () => manager.back()),
    danger('replace-now', t(words.replace), () => void manager.replaceNow()),
  )
  return view.rendered()
}

const problems: Readonly<Record<FileProblem, Text>> = {
  'not-a-binding': words.notABinding,
  'damaged': words.fileDamaged,
  'version': words.fileVersion,
  'another-device': words.anotherDevice,
  'another-element': words.anotherElement,
}
