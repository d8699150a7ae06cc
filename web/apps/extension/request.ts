// The request window. It shows one request, whose id is in its address, and closes with it.

import { mountRequest } from '../../ui/request/screen'
import { request as words } from '../../ui/words/request'
import { Page } from '../../ui/blocks/page'
import type { FromRequest, ToRequest } from './ports'

const page = new Page(words.title)
const port = chrome.runtime.connect({ name: 'request' })
const say = (message: FromRequest) => port.postMessage(message)

const screen = mountRequest(page.main, {
  language: page.language,
  onAnswer: (answer) => say({ answer }),
  onCancel: (cancel) => say({ cancel }),
  onClose: () => close(),
  // The browser opens its chooser in a tab, and not in a window of this kind.
  onChoose: () => void chrome.tabs.create({ url: 'pair.html' }).then(() => close()),
})
page.onLanguage((language) => screen.speak(language))

port.onMessage.addListener((message) => {
  const told = message as ToRequest
  if ('close' in told) close()
  else screen.show(told.show)
})
// The extension stopped. It has answered the site, and the next one opens a window of its own.
port.onDisconnect.addListener(() => close())
say({ id: location.hash.slice(1) })
