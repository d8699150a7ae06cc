import { manage as words } from '../words/management'
import type { Language, Text } from '../words/text'
import { h } from '../blocks/dom'

/** Field is a field for a passphrase, with its label and what is said about it. */
export interface Field {
  readonly element: HTMLElement
  readonly input: HTMLInputElement
  say(text: Text | null, wrong?: boolean): void
}

/**
 * A file's passphrase is no password of this site: one that a manager makes up and fills in is never seen by the person
 * who is to type it in another browser, and one that it keeps for the site is filled in where it opens nothing. So the
 * managers that can be asked to are asked to stay out. The field is a password field all the same: what is typed into
 * another one is learnt by keyboards and read out by screen readers.
 */
const noPassword = {
  'autocomplete': 'off',
  'data-1p-ignore': true,
  'data-bwignore': true,
  'data-lpignore': 'true',
  'data-form-type': 'other',
}

/** passphraseField makes one. What is typed is in the field's value and nowhere else. */
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

/** account names the file, to a browser that offers to keep its passphrase after all. */
export function account(name: string): HTMLInputElement {
  return h('input', { type: 'text', autocomplete: 'username', hidden: true, readonly: true, value: name })
}

/** showing is the choice to see what is typed into the fields. */
export function showing(language: Language, ...fields: readonly Field[]): HTMLElement {
  const tick = h('input', {
    type: 'checkbox',
    'data-control': 'show-passphrase',
    change: () => {
      for (const { input } of fields) input.type = tick.checked ? 'text' : 'password'
    },
  })
  return h('label', { class: 'tick' }, tick, h('span', {}, words.showPassphrase[language]))
}
