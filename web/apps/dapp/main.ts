import { common } from '../../ui/words/common'
import { dapp as words, nodeIs, onChain, throughConnector } from '../../ui/words/dapp'
import type { Text } from '../../ui/words/text'
import { h } from '../../ui/blocks/dom'
import { framedWithoutUSB, platformOf } from '../../ui/model/platform'
import { Page } from '../../ui/blocks/page'
import { findSimulator } from '../../ui/simulator/simulator'
import { DeviceView } from './device-view'
import { Forms } from './forms'
import { RequestLog } from './request-log'
import type { Request } from './requests'
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

const heading = h('h1')
const lead = h('p', { class: 'lead' })
const account = h('section', { class: 'card account' })

page.main.append(
  h('div', { class: 'intro' }, heading, lead),
  h('div', { class: 'columns' }, h('div', { class: 'column' }, account, forms.element), log.element),
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
  log.element.setAttribute('aria-label', t(words.request))
  log.draw(page.language)
  draw()
}

/** draw draws what depends on the account, the chain, and whether a request is under way. */
function draw(): void {
  page.simulatedInUse(wallet.simulated)
  log.plugged(wallet.plugged)
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
        'aria-disabled': String(log.busy),
        click: () => void log.run({ method: 'eth_requestAccounts' }, how),
      },
      t(text),
    )
  return [
    h('p', { class: 'quiet' }, t(connector === undefined ? words.connectLead : throughConnector(new URL(connector).host))),
    connect('connect', log.busy ? words.connecting : words.connect, 'button-primary', (signal) => wallet.connect(signal)),
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
  void log.run(request, (signal) => wallet.request(request, signal), unlimited)
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
