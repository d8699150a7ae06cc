// The offscreen document: the broker. It lives as long as the browser, also while the service worker is stopped. Ports of pages and
// windows come here directly.

import { loadImKey, version, type ImKey } from 'imkey-connect'
import { startBroker, type State, type Storage } from 'imkey-connect/broker'
import { chains } from './chains'
import { Pairings } from './pairing'
import type { FromView, View } from './ports'
import { refuse } from './refused'
import { Screens } from './screens'
import { bitcoinNodeKey } from './settings'
import { carriedOut, isWorker, type Removed } from './tasks'

const pairings = new Pairings()
const screens = new Screens(
  (id) => broker.cancel(id),
  () => latest,
)
let latest: State | undefined
const views = new Set<{ readonly port: chrome.runtime.Port; tab?: number }>()
/** The origin of the top frame of each tab that asked for something. */
const tops = new Map<number, string>()

const storage: Storage = {
  list: async (prefix) => Object.entries((await carriedOut({ do: 'list' })) as object).filter(([key]) => key.startsWith(prefix)),
  put: async (key, value) => void (await carriedOut({ do: 'put', key, value })),
  replace: async (key, _, value) => (await carriedOut({ do: 'replace', key, value })) as boolean, // no other broker writes here
  delete: async (key) => void (await carriedOut({ do: 'delete', key })),
  watch: (changed) =>
    chrome.runtime.onMessage.addListener((message, sender) => {
      const { changed: keys } = Object(message) as { changed?: readonly string[] }
      if (isWorker(sender)) for (const key of keys ?? []) changed(key)
      return undefined
    }),
}

let loading: Promise<ImKey> | undefined
const imkey = () =>
  (loading ??= load().catch((thrown: unknown) => {
    loading = undefined
    throw thrown
  }))

async function load(): Promise<ImKey> {
  const loaded = await loadImKey()
  for (const event of ['connect', 'disconnect', 'knownchange'] as const) loaded.addEventListener(event, () => void tellAnew())
  return loaded
}

const broker = startBroker({
  imkey,
  storage,
  chains,
  bitcoinNode: async () => {
    const [[, node] = []] = await storage.list(bitcoinNodeKey)
    return typeof node === 'string' ? node : undefined
  },
  version,
  shell: {
    ask: (review, signal) => screens.ask(review, signal),
    paused: (review) => screens.paused(review),
    resumed: (review) => screens.resumed(review),
    settled: (review, outcome) => screens.settled(review, outcome),
    device: (progress) => screens.device(progress),
    unreached: (code) => screens.unreached(code),
    pair: (pairing) => pairings.pair(pairing, latest?.queue[0]?.origin),
    changed: (state) => void tell(state),
  },
})

/** Whether this document is being closed. */
let leaving = false

// A document that is closed in order has the device cancelled. It tells the pages nothing and leaves their ports to the browser: they hear of
// it when it is gone, as of a process that ends. Only then can another one be started, and only they can find out whether the extension was
// updated.
addEventListener(
  'pagehide',
  () => {
    leaving = true
    broker.close('broker-gone')
  },
  { capture: true },
)

chrome.runtime.onMessage.addListener((message, sender) => {
  if (!isWorker(sender)) return undefined
  const { removed, id } = Object(message) as Partial<Removed>
  if (removed === 'window') screens.removed(id!)
  if (removed === 'tab') pairings.removed(id!)
  return undefined
})

// The worker waits for the load event of this document, or for this answer, before it lets a page connect.
chrome.runtime.onMessage.addListener((message, sender, respond) => {
  if (message === 'there' && isWorker(sender) && !leaving) respond(true)
  return undefined
})
chrome.runtime.onConnect.addListener((port) => {
  if (port.name === 'site') return site(port)
  // Content scripts have the extension's id, too. Only its own pages have its origin.
  if (port.sender?.origin !== location.origin) return port.disconnect()
  if (port.name === 'request') return screens.connect(port)
  if (port.name === 'pair') return pairings.connect(port)
  return view(port)
})

/** site connects a page's port with the broker. The origin is the browser's word. */
function site(port: chrome.runtime.Port): void {
  const { origin, tab, frameId } = port.sender ?? {}
  let gone = false
  const post = (message: string) => {
    if (!gone && !leaving) port.postMessage(message)
  }
  if (origin === undefined || !/^https?:\/\//.test(origin)) {
    port.onMessage.addListener((message) => refuse(message, post))
    return
  }
  if (tab?.id !== undefined && frameId === 0) tops.set(tab.id, origin)
  /** left is called at the end of either side: the side that closes a port gets no event. */
  const left = () => {
    gone = true
    if (tab?.id !== undefined && frameId === 0 && tops.get(tab.id) === origin) tops.delete(tab.id)
  }
  const close = () => {
    left()
    if (!leaving) port.disconnect()
  }
  const connection = broker.connect(origin, { post, close }, tab?.id?.toString())
  port.onMessage.addListener((message) => connection.receive(message))
  port.onDisconnect.addListener(() => {
    left()
    connection.closed()
  })
}

/** view serves the popup, or a tab with the permissions. */
function view(port: chrome.runtime.Port): void {
  const one: { readonly port: chrome.runtime.Port; tab?: number } = { port }
  views.add(one)
  port.onDisconnect.addListener(() => views.delete(one))
  const take = async (said: FromView) => {
    if ('tab' in said) one.tab = said.tab
    else if ('revoke' in said) await broker.revoke(said.revoke, said.coin)
    else if ('erase' in said) await broker.erase(said.erase ?? undefined)
    else screens.raise()
    await tellAnew()
  }
  port.onMessage.addListener((message) => void take(message as FromView))
  void tellAnew()
}

async function tellAnew(): Promise<void> {
  await broker.ready // what was not read yet is not nothing
  await tell(broker.state)
}

async function tell(state: State): Promise<void> {
  latest = state
  screens.changed()
  const waiting = state.queue.length
  void carriedOut({ do: 'badge', text: waiting === 0 ? '' : String(waiting) }).catch(() => {}) // it is only a number on the icon
  if (views.size === 0) return
  const facts = await deviceFacts(await imkey())
  for (const { port, tab } of views) {
    const here = tab === undefined ? undefined : tops.get(tab)
    port.postMessage({ ...state, ...facts, ...(here !== undefined && { here }) } satisfies View)
  }
}

/** deviceFacts gives the devices that this browser knows. Without their list, they cannot be read now. */
async function deviceFacts(imkey: ImKey): Promise<Pick<View, 'devices' | 'unknown'>> {
  const [known, plugged] = await Promise.all([imkey.knownDevices().catch(() => undefined), imkey.getDevices().catch(() => [])])
  if (!known) return { unknown: false }
  const serials = new Set(plugged.map(({ serialNumber }) => serialNumber))
  const devices = known.map(({ serial, name, state }) => ({ serial, name, state, plugged: serials.has(serial) }))
  return { devices, unknown: plugged.some(({ serialNumber }) => !known.some(({ serial }) => serial === serialNumber)) }
}
