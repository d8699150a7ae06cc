import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectorHost } from '../provider/connectorhost'
import type { Known } from '../provider/memory'
import { start } from './client'
import { CoinClient } from './coins'

const connector = 'https://connect.example/connect'
const site = 'https://dapp.example'
const account = '0x6031564e7b2F5cc33737807b2E58DaFF870B590b'
const revocation = 'wallet_revokePermissions'

/** kept is the localStorage of the site. It outlives the page. */
const kept = new Map<string, string>()
let blocked = false
const storage = {
  getItem: (key: string) => (blocked ? refuse() : (kept.get(key) ?? null)),
  setItem: (key: string, value: string) => (blocked ? refuse() : void kept.set(key, value)),
  removeItem: (key: string) => (blocked ? refuse() : void kept.delete(key)),
}
const refuse = (): never => {
  throw new Error('blocked')
}
const target = new EventTarget()
const element = { style: {}, append: () => {}, remove: () => {} }
Object.assign(globalThis, {
  localStorage: storage,
  location: { origin: site },
  document: { createElement: () => element, documentElement: element },
  addEventListener: target.addEventListener.bind(target),
  removeEventListener: target.removeEventListener.bind(target),
})

/** Connector is what has the permission, and its window. asked has the methods in the order in which they came. */
class Connector {
  asked: string[] = []
  allowed = true
  refuses: string | undefined // a method that is answered with an error
  closed = true
  readonly location = { href: 'about:blank', replace: () => this.#ready() }
  #port: MessagePort | undefined

  open(): Window {
    this.closed = false
    return this as unknown as Window
  }

  close() {
    this.closed = true
    this.#say({ type: 'bye' })
    this.#port?.close()
  }

  focus() {}

  postMessage(_: unknown, __: string, [port]: MessagePort[]) {
    this.#port = port!
    port!.onmessage = ({ data }) => this.#heard(JSON.parse(data as string) as { type: string; id: number; method: string })
  }

  get #accounts() {
    return this.allowed ? [account] : []
  }

  #ready() {
    const event = new MessageEvent('message', { data: 'imkey-connector ready', origin: new URL(connector).origin })
    Object.defineProperty(event, 'source', { value: this })
    queueMicrotask(() => target.dispatchEvent(event))
  }

  #heard({ type, id, method }: { type: string; id: number; method: string }) {
    if (type === 'hello') return this.#say({ type: 'welcome', v: 2, broker: '1.0.0', accounts: this.#accounts })
    if (type !== 'request') return
    this.asked.push(method)
    if (method === this.refuses) return this.#say({ type: 'error', id, code: -32005, message: 'busy' })
    if (method.endsWith('revokePermissions')) {
      this.allowed = false
      return this.#say({ type: 'result', id, result: null })
    }
    if (/_request/.test(method)) this.allowed = true
    if (method === 'wallet_requestPermissions') this.#say({ type: 'event', name: 'accountsChanged', payload: this.#accounts })
    this.#say({ type: 'result', id, result: this.#accounts })
  }

  #say(message: object) {
    this.#port?.postMessage(JSON.stringify(message))
  }
}

/** page loads the site's page: a provider for Ethereum, with what an earlier page remembered. */
function page(window: Connector) {
  const key = 'known'
  const chain = { id: 1, nodes: [], nativeCurrency: { symbol: 'ETH', decimals: 18 } }
  const events: unknown[] = []
  const host = {
    version: '1.0.0',
    settings: { connector, remember: true, key, rpcTimeout: 1000, chains: [chain], chainId: 1, unusable: [] },
    open: () => window.open(),
    opened: () => undefined,
    emit: (name: string, payload: unknown) => void (name === 'accountsChanged' && events.push(payload)),
    gone: () => {},
    recall: () => (kept.has(key) ? (JSON.parse(kept.get(key)!) as Known) : undefined),
    remember: (known: Known | undefined) => void (known ? kept.set(key, JSON.stringify(known)) : kept.delete(key)),
  }
  const engine = start(host as unknown as ConnectorHost)
  const ask = (method: string, params: readonly unknown[] = []) => engine.request(method, params, undefined)
  const revoke = () => ask(revocation, [{ eth_accounts: {} }])
  return { engine, ask, revoke, events }
}

/** told tells a page what another tab of the site wrote. */
const told = (key: string | null) => target.dispatchEvent(Object.assign(new Event('storage'), { key }))

const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

test('a permission that a site gives back while the window is closed stays given back, also after a reload', async () => {
  const window = new Connector()
  const first = page(window)
  assert.deepEqual(await first.ask('eth_requestAccounts'), [account])
  window.close()
  await settled()
  assert.deepEqual(await first.ask('eth_accounts'), [account])
  assert.equal(await first.revoke(), null)
  window.asked = []

  const second = page(window)
  assert.deepEqual(await second.ask('eth_accounts'), [])
  window.refuses = revocation
  await assert.rejects(second.ask('eth_requestAccounts'), /busy/)
  assert.deepEqual(new Set(window.asked), new Set([revocation]), 'nothing is asked before the connector took the revocation')
  assert.deepEqual(second.events, [], 'the site hears of no accounts before')
  window.close()
  await settled()

  window.refuses = undefined
  window.asked = []
  const third = page(window)
  assert.deepEqual(await Promise.all([third.ask('eth_requestAccounts'), third.ask('eth_requestAccounts')]), [[account], [account]])
  assert.deepEqual(window.asked, [revocation, 'eth_requestAccounts', 'eth_requestAccounts'])

  // The connector has it. A permission that is given after it is not taken back.
  window.close()
  await settled()
  window.asked = []
  const fourth = page(window)
  assert.deepEqual(await fourth.ask('eth_accounts'), [account])
  await fourth.ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  assert.deepEqual(window.asked, ['wallet_requestPermissions'])
  window.close()
  await settled()
  kept.clear()
})

test('another tab of the site, whose window is open, tells the connector at once', async () => {
  const [one, other] = [new Connector(), new Connector()]
  const closed = page(one)
  await closed.ask('eth_requestAccounts')
  one.close()
  const open = page(other)
  await open.ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  other.asked = []
  await closed.revoke()
  for (const key of kept.keys()) told(key)
  await settled()
  assert.deepEqual(await open.ask('eth_accounts'), [])
  assert.deepEqual(other.asked, [revocation])

  // The first tab has nothing left to tell, so it takes nothing back that was given since.
  await open.ask('eth_requestAccounts')
  await closed.ask('eth_requestAccounts')
  assert.deepEqual(one.asked, ['eth_requestAccounts', 'eth_requestAccounts'])
  for (const each of [one, other]) each.close()
  await settled()
  kept.clear()
})

test('where storage is blocked, the page itself remembers', async () => {
  const window = new Connector()
  const it = page(window)
  await it.ask('eth_requestAccounts')
  window.close()
  await settled()
  blocked = true
  await it.revoke()
  window.asked = []
  await it.ask('eth_requestAccounts')
  assert.deepEqual(window.asked, [revocation, 'eth_requestAccounts'])
  window.asked = []
  await it.ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  assert.deepEqual(window.asked, ['wallet_requestPermissions'])
  window.close()
  await settled()
  blocked = false
  kept.clear()
})

test('the same holds for another coin, and no coin takes the permission of another one back', async () => {
  const window = new Connector()
  Object.assign(globalThis, { open: () => window.open() })
  const changes: unknown[] = []
  const client = (coin: 'tron' | 'bitcoin') =>
    new CoinClient(connector, '1.0.0', coin, { changed: (accounts) => changes.push(accounts), gone: () => {} })
  const first = client('tron')
  assert.deepEqual(await first.ask('tron_requestAccounts', {}), [account])
  window.close()
  await settled()
  await first.ask('tron_revokePermissions', {})
  window.asked = []

  assert.deepEqual(await client('tron').ask('tron_accounts', {}), [])
  assert.deepEqual(await client('bitcoin').ask('bitcoin_requestAccounts', {}), [account])
  assert.deepEqual(window.asked, ['bitcoin_requestAccounts'])
  const second = client('tron')
  assert.deepEqual(await Promise.all([second.ask('tron_requestAccounts', {}), second.ask('tron_accounts', {})]), [[account], [account]])
  assert.deepEqual(window.asked.slice(1), ['tron_revokePermissions', 'tron_requestAccounts', 'tron_accounts'])
  await second.ask('tron_signMessage', {})
  assert.equal(window.asked.length, 5)
  window.close()
  await settled()
  kept.clear()
})
