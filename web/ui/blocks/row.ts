import { languageTag, type Language, type Text } from '../words/text'
import { h } from './dom'

/** row makes a line of a card, a name with its value. It returns null if there is no value. */
export function row(name: Text, value: string | null, language: Language): HTMLElement | null {
  return value === null ? null : h('div', { class: 'row' }, h('dt', {}, name[language]), h('dd', { translate: 'no' }, value))
}

/** dateTime formats a point in time, given in ISO 8601, in the user's language. */
export function dateTime(iso: string | null, language: Language): string | null {
  if (iso === null) return null
  return new Intl.DateTimeFormat(languageTag[language], { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))
}
