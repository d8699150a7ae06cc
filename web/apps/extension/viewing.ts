import type { FromView, View } from './ports'

/**
 * viewing calls changed with the state of the wallet, now and at every change. It begins again where the offscreen document was stopped,
 * with the same first messages. It returns a function that says something to the wallet.
 */
export function viewing(changed: (view: View | undefined) => void, first: readonly FromView[] = []): (message: FromView) => void {
  let port: chrome.runtime.Port | undefined
  const connect = async () => {
    await chrome.runtime.sendMessage('wake').catch(() => {}) // then the port closes at once
    const made = chrome.runtime.connect({ name: 'ui' })
    made.onMessage.addListener((view) => changed(view as View))
    made.onDisconnect.addListener(() => {
      port = undefined
      changed(undefined)
      setTimeout(() => void connect(), 500) // a document that stops again and again is not started without a pause
    })
    port = made
    for (const message of first) made.postMessage(message)
  }
  void connect()
  return (message) => port?.postMessage(message)
}
