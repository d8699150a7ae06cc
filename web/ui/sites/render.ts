import { danger, quiet, secondary } from '../blocks/buttons'
import { h, type Child } from '../blocks/dom'
import { dateTime } from '../blocks/row'
import { readOrigin } from '../request/origin'
import { marked } from '../request/visible'
import { coins } from '../words/coins'
import { chainOf, signedIn, sites as words, typedFor } from '../words/sites'
import type { Language, Text } from '../words/text'
import type { Activity, Asking, OtherCoin, Permission, Sites } from './state'

/** Handlers are what the user can do. */
export interface Handlers {
  readonly ask: (asking: Asking | undefined) => void
  readonly revoke: (origin: string, coin?: OtherCoin) => void
  readonly erase: (origin?: string) => void
  readonly more: () => void
}

export interface Context {
  readonly language: Language
  readonly asking: Asking | undefined
  /** How many entries of the activity are shown. */
  readonly most: number
  readonly part: boolean
  readonly handlers: Handlers
}

/** render draws the lists. The same state and context give the same elements. */
export function render({ permissions, activity, open }: Sites, context: Context): HTMLElement {
  const t = (text: Text) => text[context.language]
  const shown = activity.slice(0, context.most)
  const erasable = (origin: string) => activity.some((one) => one.origin === origin)
  // A site without a permission has its button at its newest entry.
  const others = new Map<string, Activity>()
  for (const one of activity) {
    if (!others.has(one.origin) && !permissions.some(({ origin }) => origin === one.origin)) others.set(one.origin, one)
  }
  const list =
    permissions.length > 0 &&
    h('ul', { class: 'sites-list' }, ...permissions.map((one) => site(one, open.includes(one.origin), erasable(one.origin), context)))
  if (context.part) {
    return h('section', { class: 'sites sites-part' }, h('h2', { tabindex: -1 }, t(words.title)), h('p', {}, t(words.leadOwn)), list)
  }
  return h(
    'section',
    { class: 'state sites', 'data-state': 'sites' },
    h('h1', { tabindex: -1 }, t(words.title)),
    h('p', { class: 'lead' }, t(permissions.length > 0 ? words.lead : words.none)),
    list,
    h('h2', { class: 'sites-heading' }, t(words.activity)),
    h('p', { class: 'quiet' }, t(activity.length > 0 ? words.activityLead : words.activityNone)),
    activity.length > 0 &&
      h('ol', { class: 'sites-list sites-activity' }, ...shown.map((one) => entry(one, others.get(one.origin) === one, context))),
    activity.length > shown.length && secondary('more', t(words.more), context.handlers.more),
    activity.length > 0 && erasing(context),
  )
}

/** host draws an origin with the part that one owner registered. */
function host(origin: string): HTMLElement {
  const read = readOrigin(origin)
  const letters = read.letters !== undefined && h('span', { class: 'quiet' }, ` (${read.letters})`)
  return h(
    'span',
    { class: 'sites-origin', translate: 'no', dir: 'ltr' },
    h('span', { class: 'sites-rest' }, read.scheme, read.before),
    h('strong', {}, read.domain),
    letters,
  )
}

const row = (name: string, ...values: Child[]) => h('div', { class: 'row' }, h('dt', {}, name), h('dd', {}, ...values))
const wide = (name: string, ...values: Child[]) => h('div', { class: 'row sites-wide' }, h('dt', {}, name), h('dd', {}, ...values))
const mono = (text: string) => h('span', { class: 'sites-mono', translate: 'no', dir: 'ltr' }, marked(text))
const date = (time: number, language: Language): string =>
  Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? dateTime(new Date(time).toISOString(), language)! : '?'

function site(one: Permission, isOpen: boolean, erasable: boolean, context: Context): HTMLElement {
  const { language, asking, handlers } = context
  const t = (text: Text) => text[language]
  const { origin, coin, chainId } = one
  const asked = asking !== undefined && 'revoke' in asking && asking.revoke === origin && asking.coin === coin
  return h(
    'li',
    { class: 'card', 'data-origin': origin, ...(coin && { 'data-coin': coin }) },
    h('div', { class: 'card-title' }, host(origin), isOpen && h('span', { class: 'badge badge-verified' }, t(words.openNow))),
    h(
      'dl',
      {},
      row(t(coins.coin), t(coins[coin ?? 'ethereum'])),
      wide(t(words.accounts), ...one.accounts.map(({ address }) => mono(address))),
      chainId !== undefined && row(t(words.chain), t(chainOf(chainId, one.chainName))),
      row(t(words.since), date(one.since, language)),
      row(t(words.used), date(one.used, language)),
    ),
    asked
      ? sure(
          t(words.revokeSure),
          danger('revoke-now', t(words.revokeNow), () => handlers.revoke(origin, coin)),
          language,
          handlers,
        )
      : h(
          'div',
          { class: 'aside' },
          quiet('revoke', t(words.revoke), () => handlers.ask({ revoke: origin, ...(coin && { coin }) })),
        ),
    erasable && erasingOf(one.origin, context),
  )
}

/** erasingOf draws the button that erases what one site had signed, or the question that confirms it. */
function erasingOf(origin: string, { language, asking, handlers }: Context): HTMLElement {
  const t = (text: Text) => text[language]
  return asking !== undefined && 'erase' in asking && asking.erase === origin
    ? sure(
        t(words.eraseSure),
        danger('erase-site-now', t(words.eraseNow), () => handlers.erase(origin)),
        language,
        handlers,
      )
    : h(
        'div',
        { class: 'aside' },
        quiet('erase-site', t(words.eraseSite), () => handlers.ask({ erase: origin })),
      )
}

/** sure asks the user to confirm. */
const sure = (text: string, button: HTMLElement, language: Language, handlers: Handlers) =>
  h(
    'div',
    { class: 'sites-sure', role: 'group', 'aria-label': text },
    h('p', {}, text),
    h(
      'div',
      { class: 'sites-buttons' },
      secondary('keep', words.keep[language], () => handlers.ask(undefined)),
      button,
    ),
  )

function erasing({ language, asking, handlers }: Context): HTMLElement {
  const t = (text: Text) => text[language]
  return asking !== undefined && 'erase' in asking && asking.erase === true
    ? sure(
        t(words.eraseSure),
        danger('erase-now', t(words.eraseNow), () => handlers.erase()),
        language,
        handlers,
      )
    : h(
        'div',
        { class: 'aside' },
        quiet('erase', t(words.erase), () => handlers.ask({ erase: true })),
      )
}

function entry(one: Activity, erasable: boolean, context: Context): HTMLElement {
  const { language } = context
  const t = (text: Text) => text[language]
  return h(
    'li',
    { class: 'sites-entry', ...(erasable && { 'data-origin': one.origin }) },
    h('p', { class: 'sites-what', dir: 'auto' }, t(what(one))),
    h('p', { class: 'quiet' }, host(one.origin), ` · ${date(one.at, language)}`),
    h(
      'dl',
      {},
      one.receiver !== undefined && wide(t(words.receiver), mono(one.receiver)),
      one.coin && row(t(coins.coin), t(coins[one.coin])),
      wide(t(words.account), mono(one.account)),
      one.chainId !== undefined && row(t(words.chain), t(chainOf(one.chainId, one.chainName))),
      one.hash !== undefined && wide(t(words.hash), mono(one.hash)),
    ),
    erasable && erasingOf(one.origin, context),
  )
}

/** what says what was signed. A payment is in the words of the device, which are English in every language. */
function what({ kind, payment, domain }: Activity): Text {
  switch (kind) {
    case 'message':
      return domain === undefined ? words.message : signedIn(marked(domain))
    case 'typed-data':
      return domain === undefined ? words.typedData : typedFor(marked(domain))
    case 'transaction':
      return payment === undefined ? words.transaction : { en: payment, zh: payment }
    case 'calls':
      return words.calls
  }
}
