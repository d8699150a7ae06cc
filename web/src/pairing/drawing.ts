import { drawing as words } from '../i18n/pairing'
import type { Language } from '../i18n/text'
import { svg } from './dom'

/** Picture is what the drawing of the device shows. It is a drawing: its screen never has a real code. */
export interface Picture {
  readonly lines: readonly string[]
  readonly plugged: boolean
  /** The person has something to do on the device: its OK button is marked. */
  readonly attention?: boolean
}

const width = 320
const height = 132

/** draw makes the device and its cable: a body with a screen and four buttons, as the device page has it. */
export function draw(picture: Picture, language: Language): SVGSVGElement {
  const text = picture.plugged ? words.plugged : words.unplugged
  const gap = picture.plugged ? 0 : 22
  const lines = picture.lines.map((line, i) =>
    svg('text', { class: 'device-text', x: 72, y: 66 + (i - (picture.lines.length - 1) / 2) * 20 + 5 }, line),
  )
  const buttons = [
    { x: 172, mark: 'M-4 2 L0 -2 L4 2' },
    { x: 196, mark: 'M-4 -2 L0 2 L4 -2' },
    { x: 220, mark: 'M-3 -3 L3 3 M3 -3 L-3 3' },
    { x: 244, mark: 'M-4 0 L-1 3 L4 -3' },
  ].map(({ x, mark }, i) =>
    svg(
      'g',
      { transform: `translate(${x} 66)` },
      svg('circle', { class: picture.attention && i === 3 ? 'device-button device-button-lit' : 'device-button', r: 9.5 }),
      svg('path', { class: picture.attention && i === 3 ? 'device-mark device-mark-lit' : 'device-mark', d: mark }),
    ),
  )
  return svg(
    'svg',
    { class: 'device-drawing', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': text[language] },
    svg(
      'g',
      { transform: 'translate(4 0)' },
      svg('rect', { class: 'device-body', x: 0.75, y: 24.75, width: 266, height: 82.5, rx: 18 }),
      svg('rect', { class: 'device-screen', x: 14, y: 36, width: 136, height: 60, rx: 7 }),
      ...lines,
      ...buttons,
    ),
    svg(
      'g',
      { class: 'device-cable', transform: `translate(${271 + gap} 66)` },
      svg('path', { class: 'device-wire', d: `M16 0 H${49 - gap}` }),
      svg('rect', { class: 'device-plug', x: 0.5, y: -8, width: 17, height: 16, rx: 3 }),
    ),
  )
}
