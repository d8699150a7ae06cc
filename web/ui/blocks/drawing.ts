import { drawing as words } from '../words/pairing'
import type { Language } from '../words/text'
import { svg } from './dom'

/** Picture is what the drawing of the device shows. Its screen never shows a real code. */
export interface Picture {
  readonly lines: readonly string[]
  readonly plugged: boolean
  /** The user must press a button of the device: its OK button is marked. */
  readonly attention?: boolean
}

/** draw makes a drawing of the device like the one on the device page: a cable, a screen, four buttons in a row. */
export function draw(picture: Picture, language: Language): SVGSVGElement {
  const text = picture.plugged ? words.plugged : words.unplugged
  const lines = picture.lines.map((line, i) =>
    svg('text', { class: 'device-text', x: 0, y: 80 + (i - (picture.lines.length - 1) / 2) * 20 }, line),
  )
  const buttons = [
    { x: -54, mark: 'M-4 2 L0 -2 L4 2' },
    { x: -18, mark: 'M-4 -2 L0 2 L4 -2' },
    { x: 18, mark: 'M-3 -3 L3 3 M3 -3 L-3 3' },
    { x: 54, mark: 'M-4 0 L-1 3 L4 -3' },
  ].map(({ x, mark }, i) => {
    const lit = picture.attention === true && i === 3
    return svg(
      'g',
      { transform: `translate(${x} 128)` },
      svg('circle', { class: lit ? 'device-button device-button-lit' : 'device-button', r: 12 }),
      svg('path', { class: lit ? 'device-mark device-mark-lit' : 'device-mark', d: mark }),
    )
  })
  return svg(
    'svg',
    { class: 'device-drawing', viewBox: '-160 -18 320 172', role: 'img', 'aria-label': text[language] },
    svg(
      'g',
      { transform: `translate(0 ${picture.plugged ? 14 : -2})` },
      svg('path', { class: 'device-wire', d: 'M0 -40 V8' }),
      svg('rect', { class: 'device-plug', x: -9, y: 4, width: 18, height: 14, rx: 2.5 }),
      svg('rect', { class: 'device-plug', x: -5.5, y: 18, width: 11, height: 3 }),
    ),
    svg('rect', { class: 'device-body', x: -88, y: 32, width: 176, height: 120, rx: 20 }),
    svg('rect', { class: 'device-screen', x: -76, y: 44, width: 152, height: 62, rx: 6 }),
    ...lines,
    ...buttons,
  )
}
