// The tab for binding and managing devices: the connect page, and what a site that waits for a device needs besides.

import { watch } from '../connect/main'
import { extension as words, waitsFor } from '../../ui/words/extension'
import { chosen } from '../../ui/words/language'
import { h } from '../../ui/blocks/dom'
import type { FromPair, ToPair } from './ports'

const forRequest = location.hash === '#request'
const note = h('aside', { class: 'note site-waits', hidden: true })
document.querySelector('main')!.before(note)

let bound: string | undefined
const port = forRequest ? chrome.runtime.connect({ name: 'pair' }) : undefined
const say = (message: FromPair) => port?.postMessage(message)

port?.onMessage.addListener((message) => {
  const { origin } = message as ToPair
  const language = chosen()
  note.replaceChildren(origin === undefined ? words.binds[language] : waitsFor(origin)[language])
  note.hidden = false
})
// The extension stopped, and with it the request. The page goes on.
port?.onDisconnect.addListener(() => {
  note.hidden = true
})

watch((state) => {
  if (state.name === 'bound') {
    bound = state.device.serial
    // After a binding there is advice to read. The tab closes when the user is done.
    say({ serial: bound, done: !state.fresh })
  } else if (bound !== undefined && state.name === 'start') {
    say({ serial: bound, done: true })
  }
})
