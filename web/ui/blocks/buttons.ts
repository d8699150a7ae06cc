import { h } from './dom'

function button(kind: string, action: string, text: string, press: () => void): HTMLButtonElement {
  return h('button', { type: 'button', class: `button ${kind}`, 'data-action': action, click: press }, text)
}

type Make = (action: string, text: string, press: () => void) => HTMLButtonElement

/** The one thing to do next. */
export const primary: Make = (...rest) => button('button-primary', ...rest)
export const secondary: Make = (...rest) => button('button-secondary', ...rest)
export const quiet: Make = (...rest) => button('button-quiet', ...rest)
/** What cannot be taken back. */
export const danger: Make = (...rest) => button('button-secondary button-danger', ...rest)

/** The one thing to do next, where it is to submit the form around it. */
export function submitting(action: string, text: string): HTMLButtonElement {
  return h('button', { type: 'submit', class: 'button button-primary', 'data-action': action }, text)
}
