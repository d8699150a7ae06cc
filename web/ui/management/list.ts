import { boundOn, manage as words } from '../words/management'
import { languageTag, type Language, type Text } from '../words/text'
import { h } from '../blocks/dom'
import { listEntry } from '../blocks/list-entry'
import type { KnownFacts } from '../model/facts'

/** list draws a button for every known device. */
export function list(devices: readonly KnownFacts[], language: Language, open: (seid: string) => void): HTMLElement {
  const t = (text: Text) => text[language]
  return h(
    'section',
    { class: 'known', 'aria-labelledby': 'known-title' },
    h('h2', { id: 'known-title' }, t(words.devices)),
    h(
      'ul',
      { class: 'entries' },
      ...devices.map((known) =>
        h(
          'li',
          {},
          listEntry(
            'open-known',
            () => open(known.seid),
            titleOf(known, language),
            ...(known.called !== null && known.serial !== '' ? [known.serial] : []),
            ...(known.alike ? [t(words.alike)] : []),
            // It is not known whose record it is if the record cannot be read.
            `${known.record === 'unreadable' ? '' : `${t(known.plugged ? words.pluggedIn : words.notPluggedIn)} · `}${t(bindingSummary(known))}`,
          ),
        ),
      ),
    ),
  )
}

/** titleOf returns the name of a device in a list, or its serial number. */
export function titleOf({ called, serial }: KnownFacts, language: Language): string {
  return called ?? (serial === '' ? words.unreadable[language] : serial)
}

/** bindingSummary describes the binding in a few words. */
export function bindingSummary({ record, boundAt }: KnownFacts): Text {
  switch (record) {
    case 'bound':
      return boundOn({ en: date(boundAt, 'en'), zh: date(boundAt, 'zh') })
    case 'unfinished':
      return words.notBound
    case 'imported':
      return words.importedHere
    case 'former':
      return words.former
    case 'unreadable':
      return words.damaged
  }
}

function date(iso: string | null, language: Language): string {
  return iso === null ? '' : new Intl.DateTimeFormat(languageTag[language], { dateStyle: 'medium' }).format(new Date(iso))
}
