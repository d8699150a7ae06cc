// The content script that carries messages between the page's provider and the extension. It runs in a world of its own. It reads no
// message: the broker in the offscreen document checks each one, and takes the origin from the browser.

import { legacyKey } from '../settings'
import { longest, named, offered, wanted } from './channel'

/** The port to the offscreen document. */
let port: chrome.runtime.Port | undefined
let connecting: Promise<chrome.runtime.Port> | undefined
/** When the last port was opened, in milliseconds. */
let since = -Infinity
/** The last message on its way: messages stay in order. */
let last: Promise<unknown> = Promise.resolve()

const take = (event: Event) => {
  const { detail } = event as CustomEvent<unknown>
  if (typeof detail !== 'string') return
  event.stopImmediatePropagation()
  removeEventListener(wanted, take)
  serve(named(detail))
}
addEventListener(wanted, take)
dispatchEvent(new Event(offered))

function serve(names: ReturnType<typeof named>) {
  const tell = (name: string, detail?: string) => void dispatchEvent(new CustomEvent(name, { detail }))

  addEventListener(names.toWallet, (event) => {
    const { detail } = event as CustomEvent<unknown>
    if (typeof detail !== 'string' || detail.length > longest) return
    last = last.then(() => send(detail))
  })
  // A page that comes back from the back/forward cache has lost its port. What it asked was answered when it left.
  addEventListener('pageshow', (event) => {
    if (event.persisted && !port) tell(names.ended, 'stopped')
  })
  tell(names.taken)
  void chrome.storage.sync.get(legacyKey).then((kept) => {
    if (kept[legacyKey] === true) tell(names.legacy)
  })

  async function send(message: string): Promise<void> {
    try {
      ;(port ?? (await connected())).postMessage(message)
    } catch {
      tell(names.ended, reason())
    }
  }

  function connected(): Promise<chrome.runtime.Port> {
    connecting ??= connect().finally(() => {
      connecting = undefined
    })
    return connecting
  }

  /** connect makes sure that the offscreen document lives, by the worker, and opens a port to it. */
  async function connect(): Promise<chrome.runtime.Port> {
    // A document that stops again and again is not started without a pause.
    const early = since + 1000 - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    await chrome.runtime.sendMessage('wake')
    since = performance.now()
    const made = chrome.runtime.connect({ name: 'site' })
    made.onMessage.addListener((message) => {
      if (typeof message === 'string') tell(names.toPage, message)
    })
    made.onDisconnect.addListener(() => {
      port = undefined
      tell(names.ended, reason())
    })
    port = made
    return made
  }
}

/** A content script whose extension was updated, reloaded or removed has no id any more, and never gets one again. */
function reason(): 'updated' | 'stopped' {
  return chrome.runtime.id === undefined ? 'updated' : 'stopped'
}
