// The content script that carries messages between the page's provider and the extension. It runs in a world of its own. It reads no
// message: the broker in the offscreen document checks each one, and takes the origin from the browser.

import { legacyKey } from '../settings'
import { longest, named, offered, wanted } from './channel'

/** The port to the offscreen document. */
let port: chrome.runtime.Port | undefined
/** What is to be sent, in order, and its length in UTF-16 code units. */
let queue: string[] = []
let waiting = 0
/**
 * The most that waits: as much as the broker takes from all sites, which refuses what is too much for one. Any script of the page can send here,
 * also while the extension does not answer.
 */
const mostWaiting = 256 * longest
let sending = false
/** How many connections in a row ended before the wallet said anything. */
let silent = 0
/** When the last port was opened, in milliseconds. */
let since = -Infinity
/** Settles when the page was told why its connection was lost. */
let telling: Promise<void> | undefined

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
    if (waiting + detail.length > mostWaiting) {
      clear()
      return tell(names.ended, 'unreachable')
    }
    queue.push(detail)
    waiting += detail.length
    void send()
  })
  // A page that comes back from the back/forward cache has lost its port.
  addEventListener('pageshow', (event) => {
    if (event.persisted && since > 0 && !port && !sending && !telling) lost()
  })
  tell(names.taken)
  void chrome.storage.sync.get(legacyKey).then((kept) => {
    if (kept[legacyKey] === true) tell(names.legacy)
  })

  function clear() {
    queue = []
    waiting = 0
  }

  /** send sends what is in the queue. */
  async function send(): Promise<void> {
    if (sending) return
    sending = true
    while (queue.length > 0) {
      await telling
      try {
        port ??= await connect()
      } catch {
        clear()
        tell(names.ended, removed() ? 'updated' : 'unreachable')
        continue
      }
      const message = queue.shift()
      if (message === undefined) break // it was emptied meanwhile
      waiting -= message.length
      try {
        port.postMessage(message)
      } catch {
        lost()
      }
    }
    sending = false
  }

  /**
   * lost tells the page at once that the connection is gone, and why as soon as that is known. What the page sends meanwhile waits for the
   * next connection.
   */
  function lost() {
    port = undefined
    clear()
    telling ??= why().then((reason) => {
      telling = undefined
      if (reason === 'updated') clear()
      tell(names.ended, reason)
    })
    tell(names.lost)
  }

  /** connect makes sure that the offscreen document lives, by the worker, and opens a port to it. */
  async function connect(): Promise<chrome.runtime.Port> {
    // A document that stops again and again is not started without a pause.
    const early = since + (silent > 0 && silent < 5 ? 100 : 1000) - performance.now()
    if (early > 0) await pause(early)
    await wake()
    since = performance.now()
    const made = chrome.runtime.connect({ name: 'site' })
    silent++
    made.onMessage.addListener((message) => {
      silent = 0
      if (typeof message === 'string') tell(names.toPage, message)
    })
    made.onDisconnect.addListener(() => {
      if (port === made) lost()
    })
    return made
  }
}

/** removed says whether the extension was updated, reloaded, disabled or removed. Then this script has no id any more, and never gets one. */
const removed = () => chrome.runtime.id === undefined

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

/** wake resolves when the offscreen document takes ports. A script whose extension is removed gets no answer: then it rejects. */
function wake(): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const fail = () => {
      clearInterval(timer)
      reject(new Error('the extension does not answer'))
    }
    const timer = setInterval(() => removed() && fail(), 50)
    if (removed()) return fail()
    chrome.runtime.sendMessage('wake').then((awake) => {
      if (awake !== true) return fail()
      clearInterval(timer)
      resolve()
    }, fail)
  })
}

/**
 * why finds out why a connection ended. The browser closes the ports of an extension that it removes before this script loses its id. So
 * the worker is asked: one that answers was not removed.
 */
async function why(): Promise<'updated' | 'stopped'> {
  const until = performance.now() + 5000
  while (!removed() && performance.now() < until) {
    const awake = await wake().then(
      () => true,
      () => false,
    )
    if (awake) break
    await pause(100)
  }
  return removed() ? 'updated' : 'stopped'
}
