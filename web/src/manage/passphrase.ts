import { manage as words } from '../i18n/manage'
import type { Language, Text } from '../i18n/text'
import { h } from '../pairing/dom'

/** Field is a field for a passphrase, with its label and what is said about it. */
export interface Field {
  readonly element: HTMLElement
  readonly input: HTMLInputElement
  say(text: Text | null, wrong?: boolean): void
}

/** passphraseField makes one. What is typed is in the field's value and nowhere else. */
export function passphraseField(name: string, label: Text, language: Language, purpose: 'new' | 'current', typed: () => void): Field {
  const hint = h('p', { class: 'hint', id: `${name}-hint`, role: 'status', 'aria-live': 'polite' })
  const input = h('input', {
    type: 'password',
    id: name,
    class: 'field',
    'data-control': name,
    'data-secret': true,
    autocomplete: purpose === 'new' ? 'new-password' : 'off',
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

/** account tells password managers what a passphrase is for. */
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
