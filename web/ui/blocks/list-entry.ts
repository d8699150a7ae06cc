import { h } from './dom'

/** entry is a line of a list that can be pressed: a title and what is said of it. */
export function entry(action: string, press: () => void, title: string, ...said: string[]): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'entry', 'data-action': action, click: press },
    h('strong', { translate: 'no' }, title),
    ...said.map((words) => h('span', { class: 'quiet' }, words)),
  )
}
