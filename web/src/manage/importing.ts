import { manage as words } from '../i18n/manage'
import { pairing } from '../i18n/pairing'
import type { Language, Text } from '../i18n/text'
import { danger, primary, secondary, submitting } from '../pairing/buttons'
import { row } from '../pairing/card'
import { h } from '../pairing/dom'
import type { Frame, Rendered } from '../pairing/frame'
import { standing } from './list'
import type { Manager } from './manager'
import { account, passphraseField, showing } from './passphrase'
import type { FileProblem, ManageState } from './state'

/** importing draws the question for the file, which can be chosen or dropped. */
export function importing(
  frame: Frame,
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
  frame.heading(words.importTitle)
  frame.lead(words.importLead)
  if (message) frame.add(message)
  frame.warning(words.importMeaning)
  const over = (event: Event) => {
    event.preventDefault() // else the browser opens the file in place of the page
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
  frame.add(place)
  frame.actions(secondary('back', t(pairing.cancel), () => manager.back()))
  if (!message) return frame.rendered()
  return { ...frame.rendered(choose), announcement: t(problems[problem]), urgent: true }
}

/** importingWith draws the question for its passphrase, and the wait while it is tried. */
export function importingWith(
  frame: Frame,
  { file, problem, going }: Extract<ManageState, { name: 'import-passphrase' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  const card = h('dl', { class: 'card' }, row(words.file, file, language))
  if (going) {
    frame.heading(words.importing)
    frame.lead(words.importingLead)
    frame.add(card)
    frame.progress()
    frame.actions(secondary('back', t(pairing.cancel), () => manager.back()))
    return frame.rendered()
  }
  const field = passphraseField('passphrase', words.passphrase, language, () => field.say(null))
  if (problem) field.say(words.wrongPassphrase, true)
  const submit = (event: Event) => {
    event.preventDefault()
    if (field.input.value !== '') return void manager.importWith(field.input.value)
    field.say(words.noPassphrase, true)
    field.input.focus()
  }
  frame.heading(words.importPassphraseTitle)
  frame.lead(words.importPassphraseLead)
  frame.add(
    card,
    h(
      'form',
      { class: 'form', submit },
      account(file),
      field.element,
      showing(language, field),
      h(
        'div',
        { class: 'actions' },
        submitting('import-now', t(words.importNow)),
        secondary('back', t(pairing.cancel), () => manager.back()),
      ),
    ),
  )
  if (!problem) return frame.rendered(field.input)
  return { ...frame.rendered(field.input), announcement: t(words.wrongPassphrase), urgent: true }
}

/** replacing draws the question whether what is there may go. */
export function replacing(
  frame: Frame,
  { file, known }: Extract<ManageState, { name: 'import-exists' }>,
  language: Language,
  manager: Manager,
): Rendered {
  const t = (text: Text) => text[language]
  frame.heading(words.existsTitle)
  frame.add(
    h(
      'dl',
      { class: 'card' },
      row(words.name, known?.called ?? null, language),
      row(pairing.serial, known?.serial || null, language),
      row(pairing.binding, known && t(standing(known)), language),
      row(words.file, file, language),
    ),
  )
  frame.warning(words.existsLead)
  if (known?.codeKept) frame.text(words.existsCode)
  frame.text(words.existsAdvice)
  frame.actions(
    secondary('back', t(words.keepMine), () => manager.back()),
    danger('replace-now', t(words.replace), () => void manager.replaceNow()),
  )
  return frame.rendered()
}

const problems: Readonly<Record<FileProblem, Text>> = {
  'not-a-binding': words.notABinding,
  'damaged': words.fileDamaged,
  'version': words.fileVersion,
  'another-device': words.anotherDevice,
  'another-element': words.anotherElement,
}
