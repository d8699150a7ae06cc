import { directions, fault as sentence, kinds } from '../words/faults'
import { actions, attached, plugs, presses, trace as words } from '../words/trace'
import type { Language, Text } from '../words/text'
import type { ArmedFault, HistoryEvent, TraceEvent } from './control'

// An exchange as a sequence diagram in words: page, SDK and device side by side, and what happened from top to bottom. The device page
// draws it with elements of its document, and the report of a test that failed with text. Both get the same.

/** Lane is what a moment is about. The user and the faults are at the device. */
export type Lane = 'page' | 'sdk' | 'device' | 'user'

/** Note is a moment that the simulator does not know: something on the page, or the page's picture as a data URL. */
export interface Note {
  /** In milliseconds since 1970. */
  readonly time: number
  readonly who: 'page' | 'user'
  readonly what: string
  readonly picture?: string
}

/** Moment is a line of the diagram. */
export interface Moment {
  /** In milliseconds since 1970, with a fraction. */
  readonly time: number
  readonly from: Lane
  /** Where a message goes; without it, it is no message. */
  readonly to?: 'sdk' | 'device'
  /** Something failed on purpose, or is armed to fail. */
  readonly fault?: boolean
  readonly text?: Text | string
  /** The lines of the screen; none if it is dark. */
  readonly screen?: readonly string[]
  readonly picture?: string
  readonly hex?: string
}

/** Make makes an element: h of ui/blocks/dom, or a function that makes HTML. */
export type Make<E> = (
  tag: 'div' | 'ol' | 'li' | 'span' | 'p' | 'code' | 'img',
  attributes: Readonly<Record<string, string>>,
  ...children: (E | string)[]
) => E

/**
 * moments puts what the simulator and a test know in the order of time. Without packets, single packets are left out unless a fault hit
 * them.
 */
export function moments(
  trace: readonly TraceEvent[],
  history: readonly HistoryEvent[],
  { packets = false, notes = [] }: { packets?: boolean; notes?: readonly Note[] } = {},
): Moment[] {
  const all: Moment[] = notes.map(({ time, who, what, picture }) => ({ time, from: who, text: what, ...(picture ? { picture } : {}) }))
  for (const event of history) all.push(ofHistory(event))
  const screens = history.some(({ kind }) => kind === 'screen')
  for (const event of trace) {
    const single = event.kind === 'packet' || event.kind === 'control'
    // A history has the screens themselves, except that of a recording.
    if ((single && !packets && !event.fault) || (event.kind === 'screen' && screens)) continue
    all.push(ofTrace(event, packets))
  }
  return all.sort((a, b) => a.time - b.time)
}

function ofTrace({ time, kind, dir, hex, text, fault }: TraceEvent, packets: boolean): Moment {
  const at = { time: instant(time), ...(fault ? { fault: true } : {}), ...(packets && hex ? { hex } : {}) }
  if (dir === 'out') return { ...at, from: 'sdk', to: 'device', text }
  if (dir === 'in') return { ...at, from: 'device', to: 'sdk', text }
  if (kind !== 'plug') return { ...at, from: 'device', text }
  const by = 'attached by '
  if (text.startsWith(by)) return { ...at, from: 'page', text: attached(text.slice(by.length)) }
  return { ...at, from: text === 'detached' ? 'page' : 'device', text: Object.hasOwn(plugs, text) ? plugs[text]! : text }
}

function ofHistory({ time, kind, screen = [], action = '', button, hold = false, faults = [] }: HistoryEvent): Moment {
  const at = { time: instant(time) }
  if (kind === 'screen') return { ...at, from: 'device', screen }
  if (kind === 'faults') return { ...at, from: 'user', fault: true, text: ofFaults(faults) }
  if (action === 'press' && button) return { ...at, from: 'user', text: presses(button, hold) }
  return { ...at, from: 'user', text: Object.hasOwn(actions, action) ? actions[action]! : action }
}

function ofFaults(faults: readonly ArmedFault[]): Text {
  if (faults.length === 0) return words.cleared
  const all = faults.map((fault) => sentence(kinds[fault.do], directions[fault.on], fault.packet, fault.count || 1))
  return { en: `${words.armed.en} ${all.map(({ en }) => en).join('; ')}`, zh: `${words.armed.zh}${all.map(({ zh }) => zh).join('；')}` }
}

/** instant returns the milliseconds of a time in RFC 3339, with those digits that Date leaves out: an answer can follow within one. */
export function instant(time: string): number {
  const digits = /\.\d{3}(\d+)/.exec(time)?.[1]
  return Date.parse(time) + (digits ? Number(`0.${digits}`) : 0)
}

/** sequence draws moments. clock writes a time. */
export function sequence<E>(make: Make<E>, list: readonly Moment[], language: Language, clock: (time: number) => string): E {
  const t = (text: Text | string) => (typeof text === 'string' ? text : text[language])
  const lane = (name: Lane) => t(words[name])
  if (list.length === 0) return make('p', { class: 'quiet' }, t(words.empty))
  const steps = list.map((moment) => {
    const { from, to, fault, text, screen, picture, hex } = moment
    const what: (E | string)[] = []
    if (text !== undefined) what.push(make('span', { class: 'step-text' }, t(text)))
    if (screen?.some((line) => line !== '')) what.push(make('span', { class: 'step-screen' }, screen.join('\n')))
    else if (screen) what.push(make('span', { class: 'step-dark' }, t(words.dark)))
    if (picture) what.push(make('img', { src: picture, alt: t(words.picture), class: 'step-picture' }))
    if (hex) what.push(make('code', { class: 'step-hex' }, hex))
    return make(
      'li',
      { class: fault ? 'step step-fault' : 'step', 'data-from': from, ...(to ? { 'data-to': to } : {}) },
      make('span', { class: 'step-time' }, clock(moment.time)),
      make('span', { class: 'step-who' }, to ? `${lane(from)} → ${lane(to)}` : lane(from)),
      make('div', { class: 'step-what' }, ...what),
    )
  })
  return make(
    'div',
    { class: 'sequence', translate: 'no' },
    make(
      'div',
      { class: 'lanes', 'aria-hidden': 'true' },
      make('span', {}, t(words.time)),
      ...(['page', 'sdk', 'device'] as const).map((name) => make('span', {}, lane(name))),
    ),
    make('ol', { class: 'steps' }, ...steps),
  )
}
