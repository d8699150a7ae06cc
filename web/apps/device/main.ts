import { common } from '../../ui/words/common'
import { device as words } from '../../ui/words/device'
import type { Text } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import { Page } from '../../ui/blocks/page'
import { Body } from './body'
import { Control, type Showing, type Status } from '../../ui/simulator/control'
import { Faults } from './faults'
import { Panels } from './panels'
import { Trace } from './trace'

const page = new Page(words.title)
const control = new Control(location.search)
const heading = h('h1', { class: 'visually-hidden' })
const lead = h('p', { class: 'quiet hint' })
const facts = h('dl', { class: 'facts', role: 'status', 'aria-live': 'polite' })
const panels = new Panels(control)
const faults = new Faults(control.query)
const trace = new Trace(control)
const body = new Body(
  (button, hold) => {
    panels.quiet()
    void control.post('press', hold ? { button, hold } : { button })
  },
  (plug) => {
    panels.quiet()
    void control.post(plug ? 'plug' : 'unplug')
  },
)

let status: Status | null = null
let absent: Text = words.connecting

const shows: Readonly<Record<Exclude<Showing, 'pin'>, Text>> = {
  nothing: words.doingUnplugged,
  home: words.doingReady,
  menu: words.doingMenu,
  words: words.doingWords,
  restoring: words.doingRestoring,
  code: words.doingCode,
  question: words.doingAsking,
  notice: words.doingNotice,
  'boot-loader': words.doingBootLoader,
  recording: words.doingRecording,
}

page.main.append(heading, body.element, lead, facts, panels.element, faults.element, trace.element)
page.simulated(true, { href: `/${control.query}`, text: common.openConnectPage }, { href: `/dapp${control.query}`, text: common.openDapp })
page.onLanguage(drawAll)
drawAll()
panels.unfold(location.hash.slice(1))
control.watch((now, state) => {
  panels.changed(state)
  status = typeof now === 'string' ? null : now
  if (typeof now === 'string') absent = words[now]
  draw()
  trace.refresh()
})

function drawAll(): void {
  heading.textContent = t(words.title)
  panels.draw(page.language)
  faults.draw(page.language)
  trace.draw(page.language)
  draw()
}

function draw(): void {
  body.draw(status, page.language)
  // A recording has a cable, but no buttons and no wallet.
  const recording = status?.showing === 'recording'
  panels.element.hidden = recording
  lead.textContent = t(recording ? words.leadRecording : words.lead)
  facts.replaceChildren(...(status ? rows(status) : [h('p', { class: 'quiet' }, t(absent))]))
}

function rows(now: Status): HTMLElement[] {
  return [
    row('doing', words.doing, t(doing(now))),
    row('serial', words.serial, now.serial),
    ...(now.showing === 'recording' ? [] : ofADevice(now)),
  ]
}

function ofADevice(now: Status): HTMLElement[] {
  return [
    row('bound', words.bound, t(now.binding === 'bound' ? words.boundOne : words.boundNone)),
    row('wallet', words.wallet, t(now.wallet ? words.walletSome : words.walletNone)),
    row('code-tries', words.codeTries, String(now.codeAttemptsLeft)),
    row('pin-tries', words.pinTries, String(now.pinAttemptsLeft)),
  ]
}

function doing(now: Status): Text {
  if (now.showing === 'pin') return now.locked ? words.doingLocked : words.doingPIN
  if (now.showing === 'home' && now.codeAttemptsLeft === 0) return words.doingCodeLocked
  return shows[now.showing]
}

function row(name: string, label: Text, value: string): HTMLElement {
  return h('div', { class: 'row', 'data-fact': name }, h('dt', {}, t(label)), h('dd', {}, value))
}

function t(text: Text): string {
  return text[page.language]
}
