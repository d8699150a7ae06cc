import { h } from './dom'

/** listEntry makes a button that is one entry of a list: a title, and lines that describe it. */
export function listEntry(action: string, press: () => void, title: string, ...lines: string[]): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'entry', 'data-action': action, click: press },
    h('strong', { translate: 'no', dir: 'auto' }, title),
    ...lines.map((line) => h('span', { class: 'quiet' }, line)),
  )
}
