import { common } from '../../i18n/common'
import { pairing as words } from '../../i18n/pairing'
import { Pairing } from '../../pairing/controller'
import { h } from '../../pairing/dom'
import { framedWithoutUSB, platformOf } from '../../pairing/platform'
import { Report } from '../../pairing/report'
import type { ImKey } from '../../pairing/sdk'
import type { State } from '../../pairing/state'
import { View } from '../../pairing/view'
import { wait } from '../../pairing/wait'
import { isSupported, loadImKey } from '../../sdk/imkey'
import { Chrome } from '../chrome'
import { findSimulator, simulatedUSB } from './simulator'

const chrome = new Chrome(words.title)
const framed = framedWithoutUSB(window)
const simulator = await findSimulator(location)

const report = new Report(
  {
    // The name of this script has a hash of what is in it.
    version: new URL(import.meta.url).pathname.split('/').at(-1)!,
    userAgent: navigator.userAgent,
    languages: navigator.languages,
    webusb: 'usb' in navigator,
    secure: isSecureContext,
    framed,
  },
  () => new Date(),
)
if (simulator) report.simulated()

const pairing = new Pairing(
  {
    load: (usb): Promise<ImKey> =>
      loadImKey({
        ...(usb === undefined ? {} : { usb: usb as USB }),
        ...(simulator ? { trustedCAs: [simulator.ca] } : {}),
      }),
    support: isSupported(),
    simulator: simulator && {
      serial: simulator.serial,
      tries: async () => (await findSimulator(location))?.codeAttemptsLeft ?? null,
      usb: () => simulatedUSB(simulator),
    },
    reveal: (code) => view.reveal(code),
    wait,
    report,
  },
  (state) => view.show(state),
)

const view = new View(chrome.main, {
  language: chrome.language,
  surroundings: { platform: platformOf(navigator.userAgent), framed },
  simulator: simulator !== null,
  actions: {
    connect: () => void pairing.connect(),
    connectSimulated: () => void pairing.connectSimulated(),
    another: () => void pairing.another(),
    goOn: () => void pairing.goOn(),
    submit: (code, keep) => void pairing.submit(code, keep),
    showAgain: () => void pairing.showAgain(),
    cancel: () => void pairing.cancel(),
    leave: () => void pairing.leave(),
    retry: () => void pairing.retry(),
    copyReport: () => void copyReport(),
    manage: {
      viewCode: () => void pairing.viewCode(),
      hideCode: () => void pairing.hideCode(),
      showOnDevice: () => void pairing.showOnDevice(),
      forget: () => void pairing.forget(),
      forgetNow: () => void pairing.forgetNow(),
      keepBinding: () => void pairing.keepBinding(),
    },
  },
})

if (simulator) {
  chrome.simulated(
    { href: `/device${simulator.query}`, text: common.openDevicePage },
    { href: `/dapp${simulator.query}`, text: common.openDapp },
  )
}
view.show(pairing.state, true)
chrome.onLanguage((language) => view.speak(language))

// A page that goes away, into the back-forward cache perhaps, leaves nothing in the boxes and the device to others.
addEventListener('pagehide', () => {
  view.leave()
  void pairing.leave()
})

// What nobody looks at any more is not left lying open.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void pairing.hideCode()
})

/** show draws any state, so that a test can look at it. It changes what is drawn and nothing else. */
export function show(state: State): void {
  view.show(state)
}

async function copyReport(): Promise<void> {
  const t = (text: { en: string; zh: string }) => text[chrome.language]
  const text = report.text()
  try {
    await navigator.clipboard.writeText(text)
    view.note(t(words.copied))
  } catch {
    view.note(t(words.copyFailed), h('textarea', { class: 'report', readonly: true, rows: 8, 'aria-label': t(words.report) }, text))
  }
}
