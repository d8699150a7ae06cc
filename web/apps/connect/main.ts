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
import { isSupported, loadImKey } from 'imkey-connect'
import { Page } from '../../ui/blocks/page'
import type { Manager } from '../../ui/management/manager'
import { managing, type ManageState } from '../../ui/management/state'
import { ManagementLoader } from './management-loader'
import { findSimulator, simulatedUSB } from '../../ui/simulator/simulator'

const page = new Page(words.title)
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
    if (state.name === 'start') page.simulatedInUse(false)
    else if ('device' in state) page.simulatedInUse(state.device.key?.of === 'simulator')
    // What is managed stays in sight while the device comes and goes; a new state is shown when that is done with.
    if (!management.open) void stage.show(management.shown(state))
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
  // A code in sight, or on its way, does not outlast what stood beside it.
  () => void pairing.hideCode(),
  (closing) => {
    const { state } = pairing
    if (closing !== 'forgotten' && state.name === 'bound' && state.plugged) void pairing.returned(closing)
    else void stage.show(management.shown(closing === 'forgotten' && state.name === 'start' ? { ...state, forgotten: true } : state))
    void pairing.refresh()
  },
)

/** begin tells what this browser knows, as soon as it can be; until then, and where that fails, everything else works. */
function begin(): void {
  management.begin().catch(() => undefined)
}

/** manage does something with the management, which is loaded first. */
function manage(what: (manager: Manager) => unknown): void {
  void management.manager().then(
    (manager) => void what(manager),
    () => stage.note(words.notLoaded[page.language]),
  )
}

/** origin is the open device, where something is begun from it. */
function origin() {
  const { seid, serial } = pairing
  return seid !== null && serial !== null ? { seid, serial } : null
}

const stage = new Stage(page.main, {
  language: page.language,
  surroundings: { platform: platformOf(navigator.userAgent), framed },
  simulator: simulator !== null,
  entrances: {
    importBinding: () => manage((manager) => manager.importBinding(origin())),
    lost: () => manage((manager) => manager.lost(origin() ?? undefined)),
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
      begin() // the device that was just bound is known from now on
    },
    retry: () => void pairing.retry(),
    copyReport: () => void copyReport(),
    manage: {
      viewCode: () => void pairing.viewCode(),
      hideCode: () => void pairing.hideCode(),
      showOnDevice: () => void pairing.showOnDevice(),
      rename: () => manage((manager) => manager.rename(pairing.seid ?? undefined)),
      exportBinding: () => manage((manager) => manager.exportBinding(pairing.seid ?? undefined)),
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
page.onLanguage((language) => stage.speak(language))
begin()

// A page that goes away, into the back-forward cache perhaps, leaves nothing in the fields and the device to others.
addEventListener('pagehide', () => {
  stage.leave()
  management.leave()
  void pairing.leave()
})

// What nobody looks at any more is not left lying open.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void pairing.hideCode()
  else begin() // another tab may have bound or forgotten one
})

/** show draws any state, so that a test can look at it. It changes what is drawn and nothing else. */
export async function show(state: State | ManageState): Promise<void> {
  const shown = 'devices' in state || managing(state) ? await management.draw(state) : state // at once, where that can be
  if (shown) await stage.show(shown)
}

/** save has the browser download a file. */
function save(name: string, content: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type: 'application/octet-stream' }))
  h('a', { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000) // the download begins when it likes
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
