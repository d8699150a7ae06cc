import { h } from './dom'

function button(kind: string, action: string, text: string, press: () => void): HTMLButtonElement {
  return h('button', { type: 'button', class: `button ${kind}`, 'data-action': action, click: press }, text)
}

type Make = (action: string, text: string, press: () => void) => HTMLButtonElement

/** The main action of a view. */
export const primary: Make = (...rest) => button('button-primary', ...rest)
export const secondary: Make = (...rest) => button('button-secondary', ...rest)
export const quiet: Make = (...rest) => button('button-quiet', ...rest)
/** An action that cannot be undone. */
export const danger: Make = (...rest) => button('button-secondary button-danger', ...rest)

/** The main action of a form: it submits the form around it. */
export function submitting(action: string, text: string): HTMLButtonElement {
  return h('button', { type: 'submit', class: 'button button-primary', 'data-action': action }, text)
}
