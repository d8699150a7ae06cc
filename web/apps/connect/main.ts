import { common } from '../../ui/words/common'
import { pairing as words } from '../../ui/words/pairing'
import { Pairing } from '../../ui/pairing/pairing'
import { h } from '../../ui/blocks/dom'
import { framedWithoutUSB, platformOf } from '../../ui/model/platform'
import { Report } from '../../ui/model/report'
import type { ImKey } from '../../ui/model/sdk'
import type { State } from '../../ui/pairing/state'
import { Stage } from '../../ui/pairing/stage'
import { wait } from '../../ui/model/wait'
import { isSupported, loadImKey, version } from 'imkey-connect'
import { Page } from '../../ui/blocks/page'
import type { Manager } from '../../ui/management/manager'
import { managing, type ManageState } from '../../ui/management/state'
import { ManagementLoader } from './management-loader'
import { allowWorker } from '../../ui/blocks/worker'
import { connectorDatabase } from '../../ui/sites/name'
import type { OwnSites } from '../../ui/sites/own'
import { findSimulator, simulatedUSB } from '../../ui/simulator/simulator'

allowWorker()
const page = new Page(words.title)
const framed = framedWithoutUSB(window)
const simulator = await findSimulator(location)

const report = new Report(
  {
    version,
    // The name of this script contains a hash of its content.
    script: new URL(import.meta.url).pathname.split('/').at(-1)!,
    userAgent: navigator.userAgent,
    languages: navigator.languages,
    webusb: 'usb' in navigator,
    secure: isSecureContext,
    framed,
  },
  () => new Date(),
)
if (simulator) report.simulated()

const listeners: ((state: State) => void)[] = []

/** watch calls the listener with each state of the pairing from now on, for a page that is built around this one. */
export function watch(listener: (state: State) => void): void {
  listeners.push(listener)
}

const pairing = new Pairing(
  {
    load: (usb): Promise<ImKey> =>
      loadImKey({
        ...(usb === undefined ? {} : { usb: usb as USB }),
        ...(simulator ? { trustedCAs: simulator.cas } : {}),
      }),
    support: isSupported(),
    simulator: simulator && {
      serial: simulator.serial,
      cas: simulator.cas,
      tries: async () => (await findSimulator(location))?.codeAttemptsLeft ?? null,
      usb: () => simulatedUSB(simulator),
    },
    reveal: (code) => stage.reveal(code),
    wait,
    report,
  },
  (state) => {
    for (const listener of listeners) listener(state)
    if (state.name === 'start') page.simulatedInUse(false)
    else if ('device' in state) page.simulatedInUse(state.device.key?.of === 'simulator')
    // The management stays visible while the device is unplugged and plugged in. The state is shown when it is done.
    if (!management.open) void stage.show(management.withKnown(state))
    placeSites()
  },
)

const management = new ManagementLoader(
  {
    imkey: () => pairing.imkey(),
    simulatorKeys: simulator?.cas ?? [],
    report,
    save,
    connectTo: (serial) => void pairing.connectTo(serial),
  },
  () => stage,
  () => pairing.state,
  // When the management is shown, a code that is shown or about to be shown is hidden.
  () => {
    sites.hidden = true
    void pairing.hideCode()
  },
  (closing) => {
    const { state } = pairing
    if (closing !== 'forgotten' && state.name === 'bound' && state.plugged) void pairing.returned(closing)
    else void stage.show(management.withKnown(closing === 'forgotten' && state.name === 'start' ? { ...state, forgotten: true } : state))
    placeSites()
    void pairing.refresh()
  },
)

/** showKnown shows the known devices as soon as they are read. Everything else works before that, and if that fails. */
function showKnown(): void {
  management.refresh().catch(() => undefined)
}

/** manage loads the management and then uses it. */
function manage(what: (manager: Manager) => unknown): void {
  void management.manager().then(
    (manager) => void what(manager),
    () => stage.note(words.notLoaded[page.language]),
  )
}

/** The sites that use the imKey through this origin, if its connector has stored anything. They are shown beside the devices. */
const sites = h('div', { hidden: true })
let ownSites: OwnSites | undefined
void loadSites().catch(() => undefined) // the rest of the page works without

async function loadSites(): Promise<void> {
  if (!(await indexedDB.databases()).some(({ name }) => name === connectorDatabase)) return
  ownSites = (await import('../../ui/sites/own')).mountOwnSites(sites, page.language)
}

/** placeSites shows the sites where the page asks nothing of its user. */
function placeSites(): void {
  sites.hidden = management.open || !['start', 'bound'].includes(pairing.state.name)
}

const stage = new Stage(page.main, {
  language: page.language,
  surroundings: { platform: platformOf(navigator.userAgent), framed },
  simulator: simulator !== null,
  entrances: {
    importBinding: () => manage((manager) => manager.importBinding(pairing.shown)),
    lost: () => manage((manager) => manager.lost(pairing.shown ?? undefined)),
    known: (devices, language) => management.list(devices, language),
  },
  actions: {
    connect: () => void pairing.connect(),
    connectSimulated: () => void pairing.connectSimulated(),
    another: () => void pairing.another(),
    pick: (place) => void pairing.pick(place),
    takeOver: () => void pairing.takeOver(),
    goOn: () => void pairing.goOn(),
    submit: (code, keep) => void pairing.submit(code, keep),
    showAgain: () => void pairing.showAgain(),
    cancel: () => void pairing.cancel(),
    leave: () => {
      void pairing.leave()
      showKnown() // a device that was bound just now is known from now on
    },
    retry: () => void pairing.retry(),
    copyReport: () => void copyReport(),
    manage: {
      viewCode: () => void pairing.viewCode(),
      hideCode: () => void pairing.hideCode(),
      showOnDevice: () => void pairing.showOnDevice(),
      rename: () => manage((manager) => manager.rename(pairing.shown ?? undefined)),
      exportBinding: () => manage((manager) => manager.exportBinding(pairing.shown ?? undefined)),
      renewKey: () => void pairing.renewKey(),
      forget: () => void pairing.forget(),
      forgetNow: () => void pairing.forgetNow(),
      keepBinding: () => void pairing.keepBinding(),
    },
  },
})

if (simulator) {
  page.simulated(
    false,
    { href: `/device${simulator.query}`, text: common.openDevicePage },
    { href: `/dapp${simulator.query}`, text: common.openDapp },
  )
}
void stage.show(pairing.state, true)
page.main.append(sites)
placeSites()
page.onLanguage((language) => {
  stage.speak(language)
  ownSites?.speak(language)
})
showKnown()

// A page that is left empties its fields and releases the device: it may stay in the back-forward cache.
addEventListener('pagehide', () => {
  stage.leave()
  management.leave()
  void pairing.leave()
})

// The code is hidden when the page is hidden.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void pairing.hideCode()
  else showKnown() // another tab may have bound or forgotten a device
})

/** show draws any state, for tests. It changes only what is drawn. */
export async function show(state: State | ManageState): Promise<void> {
  const shown = 'devices' in state || managing(state) ? await management.draw(state) : state // at once if possible
  if (shown) await stage.show(shown)
}

/** save saves a file as a download. */
function save(name: string, content: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type: 'application/octet-stream' }))
  h('a', { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000) // it is not known when the download begins
}

async function copyReport(): Promise<void> {
  const t = (text: { en: string; zh: string }) => text[page.language]
  const text = report.text()
  try {
    await navigator.clipboard.writeText(text)
    stage.note(t(words.copied))
  } catch {
    stage.note(t(words.copyFailed), h('textarea', { class: 'report', readonly: true, rows: 8, 'aria-label': t(words.report) }, text))
  }
}
