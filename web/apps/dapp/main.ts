import { coins } from '../../ui/words/coins'
import { common } from '../../ui/words/common'
import { dapp as words, nodeIs, onChain, onCoin, throughConnector } from '../../ui/words/dapp'
import type { Text } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import { framedWithoutUSB, platformOf } from '../../ui/model/platform'
import { Page } from '../../ui/blocks/page'
import { findSimulator } from '../../ui/simulator/simulator'
import { CoinForms } from './coin-forms'
import { type Asked, CoinWallet, type OtherCoin } from './coin-wallet'
import { DeviceView } from './device-view'
import { Forms } from './forms'
import { RequestLog } from './request-log'
import type { Request } from './requests'
import { tabList } from './tabs'
import { chainName, chainOf, connectorOf, Wallet } from './wallet'

const page = new Page(words.title)
const connector = connectorOf(location)
const simulator = connector === undefined ? await findSimulator(location) : null
const wallet = new Wallet(simulator, connector, () => draw())
const log = new RequestLog(
  new DeviceView(simulator),
  { platform: platformOf(navigator.userAgent), framed: framedWithoutUSB(window) },
  (request) => wallet.request(request),
  () => draw(),
  { node: () => wallet.node, walletPage: simulator && `/device${simulator.query}#wallet` },
)
const forms = new Forms(wallet, () => log.busy, send, useNode)
wallet.onInteraction = (interaction) => log.interact(interaction)

const all = ['ethereum', 'bitcoin', 'tron', 'cosmos'] as const
let coin: (typeof all)[number] = 'ethereum'
/** The other coins that the user has looked at. */
const others = new Map<OtherCoin, { readonly wallet: CoinWallet; readonly forms: CoinForms }>()

const heading = h('h1')
const lead = h('p', { class: 'lead' })
const account = h('section', { class: 'card account' })
const choice = h('div', { class: 'choice' })
const column = h('div', { class: 'column', id: 'coin-panel', role: 'tabpanel' }, account, forms.element)

page.main.append(h('div', { class: 'intro' }, heading, lead), choice, h('div', { class: 'columns' }, column, log.element))
if (simulator) {
  page.simulated(
    wallet.simulated,
    { href: `/device${simulator.query}`, text: common.openDevicePage },
    { href: `/${simulator.query}`, text: common.openConnectPage },
  )
}
page.onLanguage(drawAll)
drawAll()

function drawAll(): void {
  heading.textContent = t(words.title)
  lead.textContent = t(words.lead)
  log.element.setAttribute('aria-label', t(words.request))
  log.draw(page.language)
  draw()
}

/** draw draws what depends on the coin, the account, the chain, and whether a request is under way. */
function draw(): void {
  const other = coin === 'ethereum' ? undefined : otherCoin(coin)
  const { wallet: used, forms: shown } = other ?? { wallet, forms }
  page.simulatedInUse(used.simulated)
  log.plugged(wallet.plugged)
  choice.replaceChildren(
    tabList({
      id: 'coin',
      panel: 'coin-panel',
      label: t(words.coins),
      all,
      selected: coin,
      title: (one) => (one === 'ethereum' ? t(words.ethereum) : t(coins[one])),
      choose: (one) => {
        coin = one
        draw()
      },
      class: 'coins',
    }),
  )
  column.setAttribute('aria-labelledby', `coin-${coin}`)
  const pressed = account.contains(document.activeElement) ? document.activeElement?.getAttribute('data-action') : undefined
  account.replaceChildren(
    h('h2', {}, t(words.account)),
    ...(used.account === null ? toConnect(other?.wallet) : connected(used.account, other?.wallet)),
  )
  shown.draw(page.language)
  if (column.lastChild !== shown.element) column.replaceChildren(account, shown.element)
  if (pressed) (account.querySelector<HTMLElement>(`[data-action="${pressed}"]`) ?? account.querySelector('button'))?.focus()
}

/** otherCoin gives what the page has for a coin. */
function otherCoin(name: OtherCoin) {
  let one = others.get(name)
  if (!one) {
    const wallet = new CoinWallet(
      name,
      simulator,
      connector,
      () => draw(),
      (interaction) => log.interact(interaction),
    )
    one = {
      wallet,
      forms: new CoinForms(
        name,
        wallet,
        () => log.busy,
        (asked) => void runs(asked),
      ),
    }
    others.set(name, one)
  }
  return one
}

/** runs carries out a request for another coin. */
async function runs({ request, carryOut }: Asked): Promise<void> {
  const running = log.run(request, carryOut, { stoppable: false })
  if (connector !== undefined) log.interact({ state: 'waiting', reason: 'connector' })
  await running
}

function toConnect(other: CoinWallet | undefined): Node[] {
  const connect = (action: string, text: Text, kind: string, how: (signal: AbortSignal) => Promise<unknown>) =>
    h(
      'button',
      {
        'type': 'button',
        'class': `button ${kind}`,
        'data-action': action,
        'aria-disabled': String(log.busy),
        'click': () =>
          void (other
            ? other.client.then(({ accounts }) => runs({ request: accounts.request, carryOut: () => how(new AbortController().signal) }))
            : log.run({ method: 'eth_requestAccounts' }, how)),
      },
      t(text),
    )
  const used = other ?? wallet
  return [
    h('p', { class: 'quiet' }, t(connector === undefined ? words.connectLead : throughConnector(new URL(connector).host))),
    connect('connect', log.busy ? words.connecting : words.connect, 'button-primary', (signal) => used.connect(signal)),
    ...(simulator ? [connect('connect-simulated', words.trySimulated, 'button-secondary', (signal) => used.connectSimulated(signal))] : []),
  ]
}

function connected(address: string, other: CoinWallet | undefined): Node[] {
  const copy = h(
    'button',
    {
      type: 'button',
      class: 'button button-quiet',
      'data-action': 'copy-address',
      click: () =>
        void navigator.clipboard.writeText(address).then(
          () => {
            copy.textContent = t(words.copied)
          },
          () => {
            copy.textContent = t(words.copyFailed)
          },
        ),
    },
    t(words.copyAddress),
  )
  return [
    h('p', { class: 'address', translate: 'no', 'data-account': address }, address),
    other && coin !== 'ethereum'
      ? h('p', { class: 'quiet' }, t(onCoin(coins[coin])))
      : h('p', { class: 'quiet', 'data-chain': wallet.chainId }, t(onChain(chainName(wallet.chainId), wallet.chainId))),
    ...(other || wallet.plugged ? [] : [h('p', { class: 'note note-warning' }, t(words.unplugged))]),
    h(
      'div',
      { class: 'aside' },
      copy,
      h(
        'button',
        { type: 'button', class: 'button button-quiet', 'data-action': 'disconnect', click: () => void (other ?? wallet).disconnect() },
        t(words.disconnect),
      ),
    ),
  ]
}

function send(request: Request, unlimited = false): void {
  void log.run(request, (signal) => wallet.request(request, signal), { unlimited })
}

async function useNode(url: string): Promise<Text | undefined> {
  const chainId = await chainOf(url)
  if (chainId === undefined) return undefined
  await wallet.useNode(url, chainId, AbortSignal.timeout(60_000))
  return nodeIs(chainName(chainId))
}

function t(text: Text): string {
  return text[page.language]
}
