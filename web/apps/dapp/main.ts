import { common } from '../../ui/words/common'
import { dapp as words, nodeIs, onChain } from '../../ui/words/dapp'
import type { Text } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import { framedWithoutUSB, platformOf } from '../../ui/model/platform'
import { Page } from '../../ui/blocks/page'
import { findSimulator } from '../../ui/simulator/simulator'
import { Exchange } from './exchange'
import { Forms } from './forms'
import type { Request } from './requests'
import { Unit } from './unit'
import { chainName, chainOf, Wallet } from './wallet'

const page = new Page(words.title)
const simulator = await findSimulator(location)
const wallet = new Wallet(simulator, () => draw())
const exchange = new Exchange(
  new Unit(simulator),
  { platform: platformOf(navigator.userAgent), framed: framedWithoutUSB(window) },
  (request) => wallet.request(request),
  () => draw(),
  { node: () => wallet.node, walletPage: simulator && `/device${simulator.query}#wallet` },
)
const forms = new Forms(wallet, () => exchange.busy, send, useNode)
wallet.onInteraction = (interaction) => exchange.hear(interaction)

const heading = h('h1')
const lead = h('p', { class: 'lead' })
const account = h('section', { class: 'card account' })

page.main.append(
  h('div', { class: 'intro' }, heading, lead),
  h('div', { class: 'columns' }, h('div', { class: 'column' }, account, forms.element), exchange.element),
)
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
  exchange.element.setAttribute('aria-label', t(words.request))
  exchange.draw(page.language)
  draw()
}

/** draw shows what depends on the account, the chain, and whether something is asked. */
function draw(): void {
  page.simulatedInUse(wallet.simulated)
  exchange.plugged(wallet.plugged)
  const pressed = account.contains(document.activeElement) ? document.activeElement?.getAttribute('data-action') : undefined
  account.replaceChildren(h('h2', {}, t(words.account)), ...(wallet.account === null ? toConnect() : connected(wallet.account)))
  forms.draw(page.language)
  if (pressed) (account.querySelector<HTMLElement>(`[data-action="${pressed}"]`) ?? account.querySelector('button'))?.focus()
}

function toConnect(): Node[] {
  const connect = (action: string, text: Text, kind: string, how: (signal: AbortSignal) => Promise<unknown>) =>
    h(
      'button',
      {
        type: 'button',
        class: `button ${kind}`,
        'data-action': action,
        'aria-disabled': String(exchange.busy),
        click: () => void exchange.run({ method: 'eth_requestAccounts' }, how),
      },
      t(text),
    )
  return [
    h('p', { class: 'quiet' }, t(words.connectLead)),
    connect('connect', exchange.busy ? words.connecting : words.connect, 'button-primary', (signal) => wallet.connect(signal)),
    ...(simulator
      ? [connect('connect-simulated', words.trySimulated, 'button-secondary', (signal) => wallet.connectSimulated(signal))]
      : []),
  ]
}

function connected(address: string): Node[] {
  const copy = h(
    'button',
    {
      type: 'button',
      class: 'button button-quiet',
      'data-action': 'copy-address',
      click: () => void navigator.clipboard.writeText(address).then(
        () => { copy.textContent = t(words.copied) },
        () => { copy.textContent = t(words.copyFailed) },
      ),
    },
    t(words.copyAddress),
  )
  return [
    h('p', { class: 'address', translate: 'no', 'data-account': address }, address),
    h('p', { class: 'quiet', 'data-chain': wallet.chainId }, t(onChain(chainName(wallet.chainId), wallet.chainId))),
    ...(wallet.plugged ? [] : [h('p', { class: 'note note-warning' }, t(words.unplugged))]),
    h(
      'div',
      { class: 'aside' },
      copy,
      h(
        'button',
        { type: 'button', class: 'button button-quiet', 'data-action': 'disconnect', click: () => void wallet.disconnect() },
        t(words.disconnect),
      ),
    ),
  ]
}

function send(request: Request, unlimited = false): void {
  void exchange.run(request, (signal) => wallet.request(request, signal), unlimited)
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
