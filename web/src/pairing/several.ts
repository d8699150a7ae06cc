import { pairing as words } from '../i18n/pairing'
import { rare } from '../i18n/rare'
import type { Language, Text } from '../i18n/text'
import { secondary } from './buttons'
import { h } from './dom'
import type { Frame, Rendered } from './frame'
import type { Handlers } from './render'
import type { Choice } from './state'

/** several draws the devices that are plugged in, each a button of its own; none of them is opened before it is pressed. */
export function several(
  frame: Frame,
  choices: readonly Choice[],
  language: Language,
  handlers: Pick<Handlers, 'pick' | 'another' | 'leave'>,
): Rendered {
  const t = (text: Text) => text[language]
  frame.heading(rare.severalTitle)
  frame.lead(rare.severalLead)
  frame.add(
    h(
      'ul',
      { class: 'entries' },
      ...choices.map(({ serial, called, known }, place) =>
        h(
          'li',
          {},
          entry(
            'pick',
            () => handlers.pick(place),
            called ?? serial ?? t(rare.noSerial),
            ...(called !== null && serial !== null ? [serial] : []),
            t(known ? rare.knownHere : rare.newHere),
          ),
        ),
      ),
    ),
  )
  frame.actions(
    secondary('another', t(rare.notListed), handlers.another),
    secondary('stop', t(words.cancel), handlers.leave),
  )
  return frame.rendered()
}

/** entry is a line of a list that can be pressed: a title and what is said of it. */
export function entry(action: string, press: () => void, title: string, ...said: string[]): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'entry', 'data-action': action, click: press },
    h('strong', { translate: 'no' }, title),
    ...said.map((words) => h('span', { class: 'quiet' }, words)),
  )
}
