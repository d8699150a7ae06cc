// The service worker. The browser stops it whenever it likes, so it keeps nothing. It makes sure that the offscreen document lives, and
// does for it what an offscreen document cannot: open windows and tabs, and use chrome.storage.

import { readTask, type Removed, type Task } from './tasks'

/** Everything that starts the worker starts the offscreen document: the browser, an update, a page. */
void ensure()
chrome.runtime.onStartup.addListener(() => void ensure())
chrome.runtime.onInstalled.addListener(() => void ensure())

// What the wallet keeps is not for content scripts, whose processes run the code of web pages.
void chrome.storage.local.setAccessLevel({ accessLevel: 'TRUSTED_CONTEXTS' })

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  if (message === 'wake') {
    ensure().then(
      () => respond(true),
      () => respond(false),
    )
    return true
  }
  // Content scripts have the extension's id, too. Only its own pages have its origin.
  if (sender.origin !== location.origin) return undefined
  const task = readTask(message)
  if (!task) return undefined
  carryOut(task).then(
    (result) => respond({ result }),
    (thrown: unknown) => respond({ failed: String(thrown) }),
  )
  return true
})

chrome.storage.local.onChanged.addListener((changes) => {
  void ensure()
    .then(() => chrome.runtime.sendMessage({ changed: Object.keys(changes) }))
    .catch(() => {}) // a document that starts reads everything
})

// A window or a tab that is closed before its page has loaded has no port that would say so.
const removed = (message: Removed) => void chrome.runtime.sendMessage(message).catch(() => {}) // without a document, none waits
chrome.windows.onRemoved.addListener((window) => removed({ removed: 'window', id: window }), { windowTypes: ['popup'] })
chrome.tabs.onRemoved.addListener((tab) => removed({ removed: 'tab', id: tab }))

let starting: Promise<void> | undefined

/** How often the document is asked whether it takes ports, every 50 ms. */
const most = 100

/** ensure resolves when the offscreen document has loaded and takes ports. */
function ensure(): Promise<void> {
  starting ??= start().finally(() => {
    starting = undefined
  })
  return starting
}

async function start(): Promise<void> {
  for (let times = 1; ; times++) {
    try {
      const there = await chrome.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT'] })
      if (there.length === 0) {
        return await chrome.offscreen.createDocument({
          url: 'offscreen.html',
          reasons: ['WORKERS'],
          justification: 'Keeps the connection to the imKey over USB, which ends when the service worker stops.',
        })
      }
      // One that is being loaded or closed is listed, too, and does not answer.
      if ((await chrome.runtime.sendMessage('there')) === true) return
    } catch (thrown) {
      if (times === most) throw thrown
    }
    if (times === most) throw new Error('the offscreen document does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function carryOut(task: Task): Promise<unknown> {
  switch (task.do) {
    case 'window': {
      const { id } = await chrome.windows.create({ url: task.url, type: 'popup', width: task.width, height: task.height, focused: true })
      return id
    }
    case 'raise':
      return chrome.windows.update(task.window, { focused: true, drawAttention: true })
    case 'close':
      return chrome.windows.remove(task.window)
    case 'tab':
      return (await chrome.tabs.create({ url: task.url })).id
    case 'close-tab':
      return chrome.tabs.remove(task.tab)
    case 'badge':
      return chrome.action.setBadgeText({ text: task.text })
    case 'list':
      return chrome.storage.local.get(null)
    case 'put':
      return chrome.storage.local.set({ [task.key]: task.value })
    case 'replace': {
      const { [task.key]: before } = await chrome.storage.local.get(task.key)
      if (before !== undefined) await chrome.storage.local.set({ [task.key]: task.value })
      return before !== undefined
    }
    case 'delete':
      return chrome.storage.local.remove(task.key)
  }
}
