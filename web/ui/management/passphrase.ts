import { manage as words } from '../words/management'
import type { Language, Text } from '../words/text'
import { h } from '../blocks/dom'

/** Field is a field for a passphrase, with its label and a hint. */
export interface Field {
  readonly element: HTMLElement
  readonly input: HTMLInputElement
  say(text: Text | null, wrong?: boolean): void
}

/**
 * The passphrase of a file is not a password of this site. If a password manager generates it, the user does not see it and
 * cannot type it in another browser. If a manager saves it for the site, it is filled in for files that it does not open. These
 * attributes ask password managers to ignore the field. It is a password field nevertheless: keyboards learn and screen
 * readers read aloud what is typed into other fields.
 */
const noPassword = {
  'autocomplete': 'off',
  'data-1p-ignore': true,
  'data-bwignore': true,
  'data-lpignore': 'true',
  'data-form-type': 'other',
}

/** passphraseField makes a field. What is typed is only in its value. */
export function passphraseField(name: string, label: Text, language: Language, typed: () => void): Field {
  const hint = h('p', { class: 'hint', id: `${name}-hint`, role: 'status', 'aria-live': 'polite' })
  const input = h('input', {
    type: 'password',
    id: name,
    class: 'field',
    'data-control': name,
    'data-secret': true,
    ...noPassword,
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-describedby': `${name}-hint`,
    input: typed,
  })
  const element = h('div', { class: 'labelled' }, h('label', { for: name }, label[language]), input, hint)
  const say = (text: Text | null, wrong = false) => {
    hint.textContent = text?.[language] ?? ''
    hint.classList.toggle('code-hint', wrong)
    input.setAttribute('aria-invalid', String(wrong))
  }
  return { element, input, say }
}

/** account names the file to a browser that offers to save the passphrase nevertheless. */
export function account(name: string): HTMLInputElement {
  return h('input', { type: 'text', autocomplete: 'username', hidden: true, readonly: true, value: name })
}

/** showPassphrase makes a checkbox that shows what is typed into the fields. */
export function showPassphrase(language: Language, ...fields: readonly Field[]): HTMLElement {
  const tick = h('input', {
    type: 'checkbox',
    'data-control': 'show-passphrase',
    change: () => {
      for (const { input } of fields) input.type = tick.checked ? 'text' : 'password'
    },
  })
  return h('label', { class: 'tick' }, tick, h('span', {}, words.showPassphrase[language]))
}
