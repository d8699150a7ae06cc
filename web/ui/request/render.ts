import { primary, quiet, secondary } from '../blocks/buttons'
import { h, svg, type Child } from '../blocks/dom'
import { advice, type Surroundings as Where } from '../words/errors'
import { calls as callWords, callsStatus } from '../words/calls'
import { phrase, request as words } from '../words/request'
import { languageTag, say, type Language, type Text } from '../words/text'
import { explain, type DeviceText, type Explanation } from './explain'
import type { Alert, Branch, Part, Row, Value } from './model'
import type { Origin } from './origin'
import type { ErrorCode, Interaction } from 'imkey-connect'
import type { Review } from '../../broker/types'
import type { State, Step } from './state'
import { visible } from './visible'

type Asking = Extract<State, { name: 'asking' }>

/** Handlers are what the user can do. */
export interface Handlers {
  /** all rejects what else the site has in the queue, too. */
  readonly reject: (all: boolean) => void
  /** Is called when the button is pressed; the screen decides whether the press counts. */
  readonly accept: (choice: Choice) => void
  readonly cancel: () => void
  readonly next: () => void
  /** Lets the user choose the device again; undefined where there is no way. */
  readonly choose: (() => void) | undefined
}

/** The errors of a device that could not be reached. Choosing it again helps where the browser is not allowed to use it any more. */
const unreached = new Set<ErrorCode>(['device-disconnected', 'no-device', 'permission-denied'])

/** Choice is what the user chose on the screen. */
export interface Choice {
  readonly accounts?: readonly number[]
  readonly override?: true
}

export interface Context {
  readonly language: Language
  readonly where: Where
  readonly handlers: Handlers
  /** Whether another request waits to be shown. */
  readonly next: boolean
  /** Makes the button that goes on act only on a deliberate press. */
  readonly guard: (button: HTMLElement, press: () => void) => void
}

/** Drawn is a state as elements. */
export interface Drawn {
  readonly element: HTMLElement
  readonly announcement: string
  readonly urgent: boolean
  /** The button that needs attention, the texts that have to be seen before it acts, and the line that says why it does not. */
  readonly guarded?: { readonly button: HTMLElement; readonly texts: readonly HTMLElement[]; readonly obstacle: HTMLElement }
  /** The line with the requests that wait. */
  readonly queue?: HTMLElement
}

/**
 * render draws a state. The same state and language give the same elements. The buttons come first in the document, so that Reject is what the
 * keyboard reaches first; the style puts them at the bottom.
 */
export function render(state: State, context: Context): Drawn {
  const t = (text: Text) => text[context.language]
  if (state.name === 'idle') return plain(state, context, words.idleTitle, words.idleLead, [])
  switch (state.name) {
    case 'asking':
      return asking(state, context)
    case 'sending':
    case 'device':
      return onDevice(state, context)
    case 'locked':
      return plain(
        state,
        context,
        words.unlockTitle,
        words.unlockLead,
        [secondary('cancel', t(words.cancel), context.handlers.cancel)],
        true,
      )
    case 'cancelling':
      return plain(state, context, words.cancellingTitle, words.sendingLead, [], true)
    case 'withdrawn':
      return plain(state, context, words.withdrawnTitle, words.withdrawnLead, [onwards(context)])
    case 'done':
      return plain(state, context, words.doneTitle, words.doneLead, [onwards(context)])
    case 'rejected':
      return plain(state, context, words.rejectedTitle, words.rejectedLead, [onwards(context)])
    case 'chosen':
      return plain(state, context, words.chosenTitle, words.chosenLead, [onwards(context)])
    case 'failed': {
      const { what, next, snippet } = advice(state.code, context.where, state.reason)
      const { choose } = context.handlers
      const again = choose && unreached.has(state.code) ? [secondary('choose', t(words.choose), choose)] : []
      // On a page that has no requests, pairing goes on by itself.
      const lead = state.code === 'device-disconnected' ? words.unpluggedLead : next
      return plain(state, context, what, lead, [onwards(context), ...again], false, [
        again.length > 0 && h('p', {}, t(words.chooseLead)),
        snippet !== undefined && h('pre', { class: 'snippet' }, snippet),
        h('p', { class: 'error-code' }, h('code', {}, state.code)),
      ])
    }
  }
}

/** plain is a state with a heading and a sentence. */
function plain(state: State, context: Context, title: Text, lead: Text, buttons: HTMLElement[], busy = false, more: Child[] = []): Drawn {
  const t = (text: Text) => text[context.language]
  const element = section(
    state.name,
    h('h1', { id: 'request-title', class: state.name === 'failed' ? 'heading-error' : null }, t(title)),
    h('p', { class: 'lead' }, t(lead)),
    ...more,
    busy && h('div', { class: 'progress', 'aria-hidden': 'true' }),
  )
  if (buttons.length > 0) element.prepend(actions(...buttons))
  return { element, announcement: `${t(title)} ${t(lead)}`, urgent: state.name === 'failed' }
}

const section = (name: string, ...children: Child[]) =>
  h('section', { class: 'state request', 'data-state': name, tabindex: -1, 'aria-labelledby': 'request-title' }, ...children)

const actions = (...buttons: Child[]) => h('div', { class: 'request-actions' }, ...buttons)

const onwards = ({ language, next, handlers }: Context) =>
  primary(next ? 'next' : 'close', (next ? words.next : words.close)[language], handlers.next)

function asking(state: Asking, context: Context): Drawn {
  const { review, waiting = [] } = state
  const { language, handlers } = context
  const t = (text: Text) => text[language]
  const said = explain(review, state.known)
  const hint = h('p', { class: 'request-hint', role: 'status', 'aria-live': 'polite' })
  const obstacle = h('p', { class: 'request-hint', role: 'status', 'aria-live': 'polite' })

  // What the user chooses on the screen.
  let complete: () => Choice | undefined = () => ({})
  let choosing: HTMLElement | null = null
  if (review.what.kind === 'accounts') {
    const list = review.choices ?? []
    if (list.length > 1) {
      const boxes = list.map(({ path, address }, i) => {
        const box = h('input', { type: 'checkbox', 'data-control': `account-${i + 1}`, checked: i === 0, value: path })
        const text = h(
          'span',
          { class: 'request-choice' },
          h('strong', {}, t(phrase.accountNo(i + 1))),
          h('span', { class: 'request-mono', translate: 'no' }, address ?? path),
        )
        return { box, label: h('label', { class: 'tick' }, box, text) }
      })
      choosing = h(
        'div',
        { class: 'request-block', role: 'group', 'aria-labelledby': 'request-choices' },
        h('h2', { class: 'request-heading', id: 'request-choices' }, t(words.accountsChoose)),
        ...boxes.map(({ label }) => label),
      )
      complete = () => {
        const accounts = boxes.flatMap(({ box }, i) => (box.checked ? [i] : []))
        if (accounts.length > 0) return { accounts }
        hint.textContent = t(words.accountsNone)
        boxes[0]!.box.focus()
        return undefined
      }
    } else if (list.length === 1) complete = () => ({ accounts: [0] })
  }
  if (said.override) {
    const box = h('input', { type: 'checkbox', 'data-control': 'override' })
    box.addEventListener('change', () => (hint.textContent = ''))
    choosing = h('label', { class: 'tick' }, box, h('span', {}, t(said.override)))
    complete = () => {
      if (box.checked) return { override: true }
      hint.textContent = t(words.overrideFirst)
      box.focus()
      return undefined
    }
  }

  const accounts = review.what.kind === 'accounts'
  const status = review.what.kind === 'calls-status' ? review.what.status : undefined
  const device = said.device !== undefined
  const reject = secondary('reject', t(words.reject), () => handlers.reject(false))
  const accept = h(
    'button',
    { type: 'button', class: 'button button-primary', 'data-action': 'accept', 'aria-disabled': 'true' },
    t(device ? words.goOn : words.allow),
  )
  context.guard(accept, () => {
    const choice = complete()
    if (choice) handlers.accept(choice)
  })

  const queue = h('p', { class: 'request-queue', 'data-queue': true }, queueText(waiting, language))
  const title = h('h1', { id: 'request-title', class: said.part.danger ? 'heading-error' : null }, t(said.part.sentence))
  const asker = who(said.origin, said.since, language)
  const element = section(
    'asking',
    status === undefined
      ? actions(reject, accept, hint, obstacle)
      : actions(primary('accept', t(callWords.close), () => handlers.accept({}))),
    asker,
    title,
    status !== undefined && h('p', { class: 'lead' }, t(callsStatus(status))),
    accounts && h('p', { class: 'lead' }, t(words.accountsText)),
    ...alerts(said.part.alerts, language),
    choosing,
    said.message && messageBlock(said.message, language),
    !accounts && partDetails(said.part, language),
    said.tree && treeBlock(said.tree, language),
    costBlock(said, language),
    said.device && deviceBlock(said.device, language, false),
    queue,
    waiting.some(({ origin }) => origin === review.origin) &&
      h(
        'div',
        { class: 'aside' },
        quiet('reject-all', t(words.rejectAll), () => handlers.reject(true)),
      ),
  )
  element.setAttribute('data-ready', String(status !== undefined))
  const texts = [asker.querySelector<HTMLElement>('.request-origin')!, title]
  const spoken = [
    said.origin.domain,
    t(said.part.sentence),
    ...said.part.alerts.filter(({ level }) => level !== 'note').map(({ text }) => t(text)),
  ]
  const guarded = { button: accept, texts, obstacle }
  return { element, announcement: spoken.join('. '), urgent: said.part.danger, queue, ...(status === undefined && { guarded }) }
}

/** queueText says how many requests wait behind this one, and which sites they are from. */
export function queueText(waiting: readonly { readonly origin: string }[], language: Language): string {
  if (waiting.length === 0) return ''
  const hosts = [...new Set(waiting.map(({ origin }) => origin.replace(/^https?:\/\//, '')))]
  return phrase.waitingFrom(waiting.length, hosts.slice(0, 3).join(', ') + (hosts.length > 3 ? ', …' : ''))[language]
}

const day = (time: number, language: Language) => new Intl.DateTimeFormat(languageTag[language], { dateStyle: 'long' }).format(time)

function who(origin: Origin, since: number | undefined, language: Language): HTMLElement {
  const t = (text: Text) => text[language]
  const notes: Alert[] = []
  const note = (level: Alert['level'], text: Text) => notes.push({ level, text })
  for (const one of origin.notes) {
    if (one === 'not-encrypted') note('warning', words.notEncrypted)
    if (one === 'this-computer') note('note', words.thisComputer)
    if (one === 'ip') note('warning', words.ip)
    if (one === 'extension') note('note', words.extension)
    if (one === 'opaque') note('danger', words.opaque)
    if (one === 'alike') note('danger', phrase.like(origin.like!))
    if (one === 'mixed') note('danger', phrase.odd(origin.odd!))
    if (one === 'punycode' || one === 'mixed') note('warning', phrase.letters(origin.letters!))
    if (one === 'hosting') note('note', phrase.hosting(origin.hosting!))
  }
  const known = since === undefined ? words.first : phrase.since(say(day(since, 'en'), day(since, 'zh')))
  return h(
    'div',
    { class: 'request-who' },
    h('p', { class: 'quiet' }, t(words.who)),
    h(
      'p',
      { class: 'request-origin', translate: 'no', dir: 'ltr', 'data-origin': origin.text },
      origin.scheme && h('span', { class: 'request-rest' }, origin.scheme),
      origin.before && h('span', { class: 'request-rest' }, origin.before),
      h('strong', {}, origin.domain),
    ),
    h('p', { class: since === undefined ? 'request-first' : 'quiet' }, t(known)),
    ...alerts(notes, language),
  )
}

const alerts = (list: readonly Alert[], language: Language): HTMLElement[] =>
  list.map(({ level, text }) =>
    h('p', { class: level === 'note' ? 'quiet' : `note ${level === 'danger' ? 'note-danger' : 'note-warning'}` }, text[language]),
  )

/** texts draws a text with a mark for each character that is not seen. */
function texts(text: string): (Node | string)[] {
  return visible(text).map((run) => (typeof run === 'string' ? run : h('mark', { class: 'request-mark' }, run.mark)))
}

/** The most characters of a text that are drawn at once. */
const most = 1200

function long(text: string, language: Language, kind: string): HTMLElement {
  const element = h('span', { class: kind, dir: 'auto', translate: 'no' })
  if (text.length <= most) element.append(...texts(text))
  else {
    element.append(...texts(text.slice(0, most)), '… ')
    const more = quiet('more', `${words.more[language]} (${phrase.characters(text.length)[language]})`, () =>
      element.replaceChildren(...texts(text)),
    )
    element.append(more)
  }
  return element
}

function valueElement(value: Value, language: Language): Child {
  switch (value.kind) {
    case 'address':
      return h(
        'span',
        { class: 'request-address' },
        h('span', { class: 'request-mono', translate: 'no', dir: 'ltr' }, value.address),
        value.name && h('span', { class: 'quiet' }, value.name[language]),
      )
    case 'text':
      return long(value.text, language, 'request-text')
    case 'hex':
      return long(value.hex, language, 'request-mono')
    case 'words':
      return h('span', { dir: 'auto' }, value.words[language])
  }
}

const rowElement = ({ name, value, danger }: Row, language: Language) =>
  h(
    'div',
    { class: `row${danger ? ' row-danger' : ''}${value.kind === 'address' || value.kind === 'hex' ? ' row-wide' : ''}` },
    h('dt', {}, name[language]),
    h('dd', {}, valueElement(value, language)),
  )

const rows = (list: readonly Row[], language: Language) => h('dl', {}, ...list.map((one) => rowElement(one, language)))

/** partDetails draws the rows of a part, and its calls, each with its own sentence. */
function partDetails(part: Part, language: Language): HTMLElement | null {
  if (part.rows.length === 0 && part.parts.length === 0) return null
  return h(
    'div',
    { class: 'request-block' },
    part.rows.length > 0 && rows(part.rows, language),
    part.parts.length > 0 &&
      h(
        'ol',
        { class: 'request-calls' },
        ...part.parts.map((one) =>
          h(
            'li',
            { class: 'request-call' },
            h('p', { class: one.danger ? 'request-sentence request-red' : 'request-sentence' }, one.sentence[language]),
            ...alerts(one.alerts, language),
            partDetails(one, language),
          ),
        ),
      ),
  )
}

function messageBlock({ text, isText }: NonNullable<Explanation['message']>, language: Language): HTMLElement {
  const body = isText ? text : text.replace(/^0x/, '').replace(/(..)/g, '$1 ').trim()
  return h(
    'div',
    { class: 'request-block' },
    h('h2', { class: 'request-heading' }, (isText ? words.message : words.messageHex)[language]),
    text === '' || text === '0x'
      ? h('p', { class: 'quiet' }, words.empty[language])
      : h('div', { class: 'request-message' }, long(body, language, isText ? 'request-lines' : 'request-mono')),
  )
}

/** How deep the tree is open at first. */
const openTo = 2

function treeBlock(tree: readonly Branch[], language: Language): HTMLElement {
  return h(
    'div',
    { class: 'request-block' },
    h('h2', { class: 'request-heading' }, words.details[language]),
    h('ul', { class: 'request-tree' }, ...tree.map((one) => branchElement(one, 0, language))),
  )
}

function branchElement({ name, type, value, branches, more }: Branch, depth: number, language: Language): HTMLElement {
  const title = () => [
    h('bdi', { class: 'request-field', translate: 'no' }, ...texts(shorten(name))),
    h('bdi', { class: 'request-type quiet', translate: 'no' }, ...texts(shorten(type))),
  ]
  if (!branches) {
    return h('li', { class: 'request-leaf' }, ...title(), h('span', { class: 'request-value' }, value && valueElement(value, language)))
  }
  const list = h('ul', { class: 'request-tree' })
  let filled = false
  const fill = () => {
    if (filled) return
    filled = true
    list.append(...branches.map((one) => branchElement(one, depth + 1, language)))
    if (more) list.append(h('li', { class: 'request-red' }, phrase.notShown(more)[language]))
    if (branches.length === 0 && !more) list.append(h('li', { class: 'quiet' }, words.empty[language]))
  }
  const open = depth < openTo && branches.length <= 40
  if (open) fill()
  const details = h('details', { class: 'more', open, toggle: fill }, h('summary', {}, ...title()), list)
  return h('li', {}, details)
}

const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text)

function costBlock(said: Explanation, language: Language): HTMLElement | null {
  if (said.cost.length === 0 && said.costAlerts.length === 0) return null
  return h(
    'div',
    { class: 'request-block' },
    h('h2', { class: 'request-heading' }, words.cost[language]),
    said.cost.length > 0 && rows(said.cost, language),
    ...alerts(said.costAlerts, language),
  )
}

/** deviceBlock draws the device with the text that it shows next. The device's screen is in English. */
function deviceBlock(device: DeviceText, language: Language, asks: boolean): HTMLElement {
  const t = (text: Text) => text[language]
  const line = (title: string, text: string) =>
    h('div', { class: 'request-screen-line' }, h('span', { class: 'request-screen-title' }, title), h('span', {}, text))
  const lines = device.lines.map(({ title, text }) => line(title, cut(text)))
  if (device.digest !== undefined) lines.push(line('Sign blindly:', device.digest.replace(/^0x/, '').replace(/(.{16})(?=.)/g, '$1 ')))
  return h(
    'div',
    { class: 'request-block' },
    h('h2', { class: 'request-heading' }, t(asks ? words.deviceNow : words.deviceTitle)),
    h('p', { class: 'quiet' }, t(device.note)),
    device.times > 1 && h('p', { class: 'quiet' }, t(phrase.asksTimes(device.times))),
    h(
      'div',
      { class: 'request-device' },
      h(
        'div',
        { class: 'request-screen', translate: 'no', lang: 'en', dir: 'ltr' },
        ...(lines.length > 0 ? lines : [line('Confirm?', 'OK / cancel')]),
      ),
      knobs(asks),
    ),
  )
}

/** knobs draws the device's four buttons, with OK lit while the device asks. */
const knobs = (asks: boolean) =>
  svg(
    'svg',
    { class: 'request-knobs', viewBox: '-72 -14 144 28', 'aria-hidden': 'true' },
    ...['M-4 2 L0 -2 L4 2', 'M-4 -2 L0 2 L4 -2', 'M-3 -3 L3 3 M3 -3 L-3 3', 'M-4 0 L-1 3 L4 -3'].map((mark, i) => {
      const lit = asks && i === 3 ? '-lit' : ''
      return svg(
        'g',
        { transform: `translate(${36 * i - 54} 0)` },
        svg('circle', { class: `device-button${lit && ` device-button${lit}`}`, r: 12 }),
        svg('path', { class: `device-mark${lit && ` device-mark${lit}`}`, d: mark }),
      )
    }),
  )

/** cut shortens what the device shows on many pages. All of it is above. */
const cut = (text: string) => (text.length > 600 ? `${text.slice(0, 600)}…` : text)

/** stepOf finds the call with these strings for the screen, if there is only one. */
function stepOf({ what }: Review, screen: Interaction['screen']): Step | undefined {
  if (what.kind !== 'calls' || what.calls.length < 2 || !screen) return undefined
  const same = what.calls.flatMap(({ description: { screen: other } }, i) =>
    other?.payment === screen.payment && other.receiver === screen.receiver && other.fee === screen.fee ? [i + 1] : [],
  )
  return same.length === 1 ? { number: same[0]!, of: what.calls.length } : undefined
}

function onDevice(state: Extract<State, { name: 'sending' | 'device' }>, context: Context): Drawn {
  const { language, handlers } = context
  const t = (text: Text) => text[language]
  const asks = state.name === 'device'
  const said = explain(state.review)
  const screen = state.name === 'device' ? state.screen : undefined
  const step = state.step ?? stepOf(state.review, screen)
  // Of several calls, none is shown that may be another one than the device asks about.
  const one = said.devices ? said.devices[(step?.number ?? 0) - 1] : said.device
  const device = one ?? (said.device && { lines: [], note: words.deviceUnknown, times: said.device.times })
  const title = asks ? words.compareTitle : words.sendingTitle
  const lead = asks ? words.compareLead : words.sendingLead
  const part = step && said.part.parts[step.number - 1]
  const sent = state.name === 'sending' && state.sent !== undefined ? Math.round(Math.min(1, Math.max(0, state.sent)) * 100) : undefined
  const bar =
    sent === undefined
      ? h('div', { class: 'progress', 'aria-hidden': 'true' })
      : h('progress', { class: 'request-progress', max: 100, value: sent, 'aria-label': t(title) })
  const element = section(
    state.name,
    actions(secondary('cancel', t(words.cancel), handlers.cancel)),
    h('h1', { id: 'request-title' }, t(title), step && step.of > 1 ? ` (${t(phrase.step(step.number, step.of))})` : ''),
    h('p', { class: 'lead' }, t(lead)),
    bar,
    device && deviceBlock(device, language, asks),
    h(
      'div',
      { class: 'request-block' },
      h('p', { class: 'request-origin-small', translate: 'no', dir: 'ltr' }, said.origin.text),
      h('p', { class: said.part.danger ? 'request-red' : null }, t((part ?? said.part).sentence)),
      rows((part ?? said.part).rows, language),
    ),
  )
  return { element, announcement: `${t(title)}. ${t(lead)}`, urgent: false }
}
