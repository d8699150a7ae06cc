// The connector's window. A site opens it, and hands over a port. The browser vouches for the site's origin, and the broker asks the user
// whatever the site asks for.

import { startBroker } from 'imkey-connect/broker'
import { loadImKey, version } from 'imkey-connect'
import { secondary } from '../../ui/blocks/buttons'
import { h } from '../../ui/blocks/dom'
import { Page } from '../../ui/blocks/page'
import { View } from '../../ui/blocks/view'
import { allowWorker } from '../../ui/blocks/worker'
import { findSimulator, simulatedUSB } from '../../ui/simulator/simulator'
import { JoinedUSB } from '../../ui/simulator/joined-usb'
import { common } from '../../ui/words/common'
import { connector as words } from '../../ui/words/connector'
import type { Text } from '../../ui/words/text'
import { alive, type Asking, attend, greetings } from './greetings'
import { WindowShell } from './shell'
import { openStorage } from '../../ui/sites/storage'

allowWorker()
const page = new Page(words.title)
const simulator = await findSimulator(location)
const usb = simulator ? new JoinedUSB(navigator.usb) : undefined
const opened = window.opener !== null
const named = location.hash.length > 1 // the site that opened the window says who it is, and is not believed

/** The simulated device stays in use in the windows that sites open later. */
const inUse = 'imkey-connector-simulated'
const simulate = async () => {
  await usb!.add(await simulatedUSB(simulator!))
  localStorage.setItem(inUse, 'true')
}
if (usb && localStorage.getItem(inUse) !== null) await simulate().catch(() => undefined)

const imkey = () => loadImKey({ ...(usb && { usb }), ...(simulator && { trustedCAs: simulator.cas }) })

const shell = new WindowShell({
  page,
  choose: async () => (await imkey()).requestDevice(),
  ...(usb && { simulate }),
  idle: (state, how) => {
    const t = (text: Text) => text[page.language]
    const [title, lead] = opened
      ? [words.idleTitle, words.idleLead]
      : named
        ? [words.cutOff, words.cutOffLead]
        : [words.alone, words.aloneLead]
    const view = new View(
      { name: opened ? 'idle' : named ? 'cut-off' : 'alone' },
      { lines: ['imKey'], plugged: true },
      { language: page.language },
    )
    view.heading(how ? words[how] : title)
    view.lead(lead)
    if (opened && state && state.open.length > 0) {
      view.add(h('p', { class: 'quiet' }, t(words.openedBy), ' ', h('strong', { translate: 'no' }, state.open.join(', '))))
    }
    view.actions(
      (opened || named) && secondary('close', t(words.close), () => window.close()),
      h('a', { href: '/', target: '_blank', rel: 'noopener', class: 'button button-quiet' }, t(words.manage)),
    )
    return view.element
  },
})

const broker = startBroker({
  imkey,
  shell,
  storage: openStorage(),
  version,
})
shell.broker = broker

if (simulator) {
  page.simulated(localStorage.getItem(inUse) !== null, { href: `/device${simulator.query}`, text: common.openDevicePage })
}

document.documentElement.append(h('iframe', { name: alive, hidden: true, tabindex: -1, 'aria-hidden': 'true' }))
greetings(window, (origin, port, source) => attend(port, (own) => broker.connect(origin, own), source as Asking))

// What is asked here is lost when the page goes, so each site is told at once. A page that the browser keeps would give no answer.
addEventListener('pagehide', () => broker.close('window-closed'))
// When a window is closed, what is sent in pagehide may reach neither the device nor a site.
addEventListener('beforeunload', () => {
  broker.close('window-closed')
  setTimeout(() => location.reload(), 5000) // the user stayed: the page begins anew
})
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload()
})
