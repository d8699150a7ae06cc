import { pairing as words } from '../words/pairing'
import { exceptional } from '../words/exceptional'
import type { Language, Text } from '../words/text'
import { secondary } from '../blocks/buttons'
import { h } from '../blocks/dom'
import { listEntry } from '../blocks/list-entry'
import type { Rendered, View } from '../blocks/view'
import type { Handlers } from './render'
import type { Choice } from './state'

/** several draws a button for every device that is plugged in. A device is opened only when its button is pressed. */
export function several(
  view: View,
  choices: readonly Choice[],
  language: Language,
  handlers: Pick<Handlers, 'pick' | 'another' | 'leave'>,
): Rendered {
  const t = (text: Text) => text[language]
  view.heading(exceptional.severalTitle)
  view.lead(exceptional.severalLead)
  view.add(
    h(
      'ul',
      { class: 'entries' },
      ...choices.map(({ serial, called, known }, place) =>
        h(
          'li',
          {},
          listEntry(
            'pick',
            () => handlers.pick(place),
            called ?? serial ?? t(exceptional.noSerial),
            ...(called !== null && serial !== null ? [serial] : []),
            t(known === null ? exceptional.unknownHere : known ? exceptional.knownHere : exceptional.newHere),
          ),
        ),
      ),
    ),
  )
  view.actions(secondary('another', t(exceptional.notListed), handlers.another), secondary('stop', t(words.cancel), handlers.leave))
  return view.rendered()
}
