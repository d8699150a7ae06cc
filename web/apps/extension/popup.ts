// The popup of the extension's icon: the device, the site of the tab, and the ways to everything else.

import { extension as words } from '../../ui/words/extension'
import type { Text } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import { coins } from '../../ui/words/coins'
import { primary, quiet, secondary } from '../../ui/blocks/buttons'
import { Page } from '../../ui/blocks/page'
import type { DeviceView, FromView, View } from './ports'
import { bitcoinNodeKey, isNode, legacyKey } from './settings'
import { viewing } from './viewing'

const page = new Page(words.title)
const t = (text: Text) => text[page.language]
let view: View | undefined
/** Whether this is window.ethereum, too; undefined while that cannot be read. */
let legacy: boolean | undefined
void chrome.storage.sync
  .get(legacyKey)
  .then((kept) => (legacy = kept[legacyKey] === true))
  .catch(() => undefined)
  .finally(draw)
/** The node for Bitcoin that the user chose, or "" for none; undefined while that cannot be read. */
let node: string | undefined
let malformed = false // what is typed is no address

const field = h('input', {
  'type': 'text',
  'inputmode': 'url',
  'id': 'bitcoin-node',
  'data-action': 'bitcoin-node',
  'placeholder': 'https://mempool.space/api',
  'autocomplete': 'off',
  'spellcheck': 'false',
  'translate': 'no',
})
void chrome.storage.local
  .get(bitcoinNodeKey)
  .then((kept) => {
    const url = kept[bitcoinNodeKey]
    node = field.value = typeof url === 'string' ? url : ''
  })
  .catch(() => undefined)
  .finally(draw)

const [tab] = await chrome.tabs.query({ active: true, currentWindow: true })
const say = viewing(
  (changed) => {
    view = changed
    draw()
  },
  tab?.id === undefined ? [] : [{ tab: tab.id } satisfies FromView],
)
page.onLanguage(draw)
draw()

function draw(): void {
  const focused = (document.activeElement as HTMLElement | null)?.dataset['action']
  page.main.replaceChildren(
    ...(view ? [waiting(view), device(view), site(view), ways()] : [h('p', { class: 'quiet', role: 'status' }, t(words.stopped))]).filter(
      (each) => each !== null,
    ),
  )
  if (focused) page.main.querySelector<HTMLElement>(`[data-action="${focused}"]`)?.focus()
}

function waiting({ queue }: View): HTMLElement | null {
  if (queue.length === 0) return null
  return h(
    'section',
    { class: 'note note-warning' },
    h('p', {}, t(words.waiting)),
    primary('raise', t(words.showRequest), () => say({ raise: true })),
  )
}

function device({ devices, unknown }: View): HTMLElement {
  return h(
    'section',
    { class: 'card', 'data-part': 'device' },
    h('h2', {}, t(words.device)),
    ...(devices?.map(known) ?? [h('p', { role: 'status' }, t(words.unknownDevices))]),
    ...(devices?.length === 0 ? [h('p', { class: 'quiet' }, t(unknown ? words.newDevice : words.noDevice))] : []),
    ...(devices?.length === 0
      ? [primary('bind', t(words.bind), () => open('pair.html'))]
      : [secondary('manage', t(words.manage), () => open('pair.html'))]),
    h('p', { class: 'quiet small' }, t(words.ownApp)),
  )
}

function known({ serial, name, state, plugged }: DeviceView): HTMLElement {
  const binding = {
    bound: words.bound,
    imported: words.bound,
    former: words.former,
    unfinished: words.notBound,
    unreadable: words.unreadable,
  }
  return h(
    'p',
    { 'data-device': serial, 'data-binding': state, 'data-plugged': String(plugged) },
    h('strong', { translate: 'no', dir: 'auto' }, name ?? serial),
    h('br'),
    h('span', { class: 'quiet' }, `${t(plugged ? words.pluggedIn : words.notPluggedIn)} · ${t(binding[state])}`),
  )
}

function site({ here, permissions }: View): HTMLElement {
  const own = permissions.filter(({ origin }) => origin === here)
  return h(
    'section',
    { class: 'card', 'data-part': 'site' },
    h('h2', {}, t(words.site)),
    ...(here === undefined ? [h('p', { class: 'quiet' }, t(words.noSite))] : [h('p', {}, h('strong', { translate: 'no' }, here))]),
    ...(here !== undefined && own.length === 0 ? [h('p', { class: 'quiet' }, t(words.notAllowed))] : []),
    ...own.flatMap(({ origin, coin, accounts }) => [
      ...(coin || own.length > 1 ? [h('p', { class: 'quiet' }, t(coins[coin ?? 'ethereum']))] : []),
      ...accounts.map(({ address }) => h('p', { class: 'address', translate: 'no' }, address)),
      quiet('disconnect', t(words.disconnect), () => say({ revoke: origin, ...(coin && { coin }) })),
    ]),
  )
}

function ways(): HTMLElement {
  const box = h('input', {
    type: 'checkbox',
    id: 'legacy',
    'data-action': 'legacy',
    checked: legacy === true,
    disabled: legacy === undefined,
    change: () => {
      const before = legacy
      legacy = box.checked
      void chrome.storage.sync.set({ [legacyKey]: legacy }).catch(() => {
        legacy = before // it shows what is kept
        draw()
      })
    },
  })
  return h(
    'section',
    { class: 'ways' },
    secondary('permissions', t(words.permissions), () => open('sites.html')),
    h('label', { class: 'choice', for: 'legacy' }, box, ' ', t(words.legacy)),
    h('p', { class: 'quiet small' }, t(words.legacyWhy)),
    bitcoinNode(),
    quiet('help', t(words.help), () => open('help.html')),
  )
}

/** bitcoinNode lets the user choose the node that balances and transfers of Bitcoin are asked of. */
function bitcoinNode(): HTMLElement | null {
  if (node === undefined) return null
  const save = async () => {
    const url = field.value.trim()
    malformed = url !== '' && !isNode(url)
    if (!malformed) {
      try {
        await (url === '' ? chrome.storage.local.remove(bitcoinNodeKey) : chrome.storage.local.set({ [bitcoinNodeKey]: url }))
        node = url
      } catch {
        field.value = node ?? '' // it shows what is kept
      }
    }
    draw()
  }
  const said = malformed ? words.bitcoinNodeForm : node === '' ? words.noBitcoinNode : words.hasBitcoinNode
  return h(
    'form',
    {
      class: 'node',
      submit: (event) => {
        event.preventDefault()
        void save()
      },
    },
    h('label', { for: 'bitcoin-node' }, t(words.bitcoinNode)),
    field,
    h('p', { class: 'quiet small' }, t(words.bitcoinNodeWhy)),
    secondary('save-bitcoin-node', t(words.saveBitcoinNode), () => void save()),
    h('p', { class: 'quiet small', role: 'status' }, t(said)),
  )
}

function open(url: string): void {
  void chrome.tabs.create({ url }).then(() => close())
}
