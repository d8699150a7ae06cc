import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HistoryEvent, TraceEvent } from './control'
import { instant, moments, sequence, type Make } from './sequence'

const at = (digits: string) => `2026-11-27T12:00:00.${digits}Z`
const event = (n: number, digits: string, rest: Partial<TraceEvent>): TraceEvent => ({
  n,
  time: at(digits),
  kind: 'apdu',
  text: '',
  ...rest,
})

const trace: TraceEvent[] = [
  event(1, '100', { kind: 'plug', text: 'attached by USB/IP 127.0.0.1:4' }),
  event(2, '2004', { kind: 'packet', dir: 'out', hex: '00', text: 'packet 1' }),
  event(3, '2005', { dir: 'out', hex: '80cb', text: 'IDENTITY_VERIFY' }),
  event(4, '3', { kind: 'screen', text: 'binding code' }),
  event(5, '400', { kind: 'packet', dir: 'in', text: 'endpoint 81 → stalled', fault: 'stalled' }),
  event(6, '9', { dir: 'in', hex: '9000', text: 'IDENTITY_VERIFY → bound' }),
]
const history: HistoryEvent[] = [
  { time: at('0'), kind: 'faults', faults: [{ on: 'in', packet: 3, do: 'stall' }] },
  { time: at('2009'), kind: 'screen', screen: ['Binding code:', '23456789', '', ''] },
  { time: at('7'), kind: 'user', action: 'press', button: 'ok' },
  { time: at('71'), kind: 'user', action: 'press', button: 'cancel', hold: true },
  { time: at('72'), kind: 'user', action: 'unplug' },
  { time: at('73'), kind: 'screen' },
  { time: at('95'), kind: 'faults' },
]

/** text makes a line of each entry. */
const text: Make<string> = (tag, attributes, ...children) => {
  if (tag === 'img') return `[${attributes['src']}]`
  const [time, who, ...what] = children
  return tag === 'li'
    ? `${attributes['class']}|${time}|${who}|${what.join('')}\n`
    : tag === 'span'
      ? children.join('').replaceAll('\n', '/')
      : children.join('')
}

const draw = (list = moments(trace, history), language: 'en' | 'zh' = 'en') =>
  sequence(text, list, language, (time) => String(Math.round((time - Date.parse(at('000'))) * 10) / 10))
    .split('\n')
    .filter((line) => line.includes('|'))
    .map((line) => line.slice(line.indexOf('step')))

test('the diagram has what the simulator knows in the order of time, finer than a millisecond', () => {
  assert.deepEqual(draw(), [
    'step step-fault|0|User|Faults armed: packet 3 from the device: the endpoint stalls',
    'step|100|Page|Takes the device: USB/IP 127.0.0.1:4',
    'step|200.5|SDK → Device|IDENTITY_VERIFY',
    'step|200.9|Device|Binding code:/23456789//',
    'step step-fault|400|Device → SDK|endpoint 81 → stalled',
    'step|700|User|Presses OK',
    'step|710|User|Holds Cancel',
    'step|720|User|Pulls the cable out',
    'step|730|Device|The screen is dark.',
    'step|900|Device → SDK|IDENTITY_VERIFY → bound',
    'step step-fault|950|User|Faults cleared.',
  ])
  assert.equal(draw(undefined, 'zh')[5], 'step|700|用户|按下“确认”')
})

test('with packets it has each of them and the bytes', () => {
  const lines = draw(moments(trace, history, { packets: true }))
  assert.equal(lines[2], 'step|200.4|SDK → Device|packet 100')
  assert.equal(lines[3], 'step|200.5|SDK → Device|IDENTITY_VERIFY80cb')
})

test('a recording has no screens, so that it shows their captions', () => {
  assert.ok(draw(moments(trace, [])).includes('step|300|Device|binding code'))
})

test('a recording keeps its captions after an action of the user or a fault', () => {
  const acted = history.filter(({ kind }) => kind !== 'screen')
  assert.ok(draw(moments(trace, acted)).includes('step|300|Device|binding code'))
})

test('what a test knows of the page is among the rest', () => {
  const notes = [{ time: Date.parse(at('500')), who: 'page', what: 'http://localhost:5173/', picture: 'data:image/png;base64,AA' }] as const
  assert.equal(draw(moments(trace, history, { notes }))[5], 'step|500|Page|http://localhost:5173/[data:image/png;base64,AA]')
})

test('an empty diagram says so', () => {
  assert.equal(sequence(text, [], 'en', String), 'Nothing yet.')
})

test('a later simulator’s actions and events keep their names', () => {
  const later = [{ time: at('1'), kind: 'user', action: 'constructor' }] as const
  assert.deepEqual(draw(moments([event(1, '2', { kind: 'plug', text: 'toString' })], later)), [
    'step|100|User|constructor',
    'step|200|Device|toString',
  ])
})

test('an instant has the digits that Date leaves out, in any time zone', () => {
  assert.equal(instant('2026-11-27T12:00:00.123456789Z') - Date.parse('2026-11-27T12:00:00.123Z') > 0.45, true)
  assert.equal(instant('2026-11-27T13:00:00.5+01:00'), Date.parse('2026-11-27T12:00:00.500Z'))
  assert.equal(instant('2026-11-27T12:00:00Z'), Date.parse('2026-11-27T12:00:00Z'))
})
