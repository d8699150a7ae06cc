// A simulated imKey for Puppeteer: starts a Chromium into which it is plugged.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extension } from './extension.js'
import {
  asRoot,
  browserPath,
  extensionId,
  find,
  lesserWay,
  loading,
  plugsIn,
  removed,
  simulatedUSB,
  startSimulator,
  switches,
  testMnemonic,
} from './index.js'
import { open } from './recording.js'
import { report } from './report.js'
import { ended } from './steps.js'

/**
 * launch starts a browser with puppeteer, which is the module puppeteer or puppeteer-core. own are Puppeteer's options.
 */
export async function launch(
  puppeteer,
  { extensions = [], recording, update, way = plugsIn ? 'plugged' : 'websocket', ...options } = {},
  own = {},
) {
  const tape = recording && (await open(recording, update ?? (process.env.IMKEY_UPDATE ? 'all' : process.env.CI ? 'none' : 'missing')))
  const ids = extensions.map(extensionId)
  const wanted = { mnemonic: testMnemonic, ...options, ...tape?.options, allow: [...(options.allow ?? []), ...ids] }
  const profile = await mkdtemp(join(tmpdir(), 'imkey-test-'))
  let browser, imkey, session
  try {
    if (way === 'plugged') {
      browser = await puppeteer.launch({
        ...own,
        executablePath: browserPath(),
        userDataDir: profile,
        args: [...asRoot, ...(own.args ?? []), ...loading(extensions), ...switches({ ...wanted, temporary: true })],
        ignoreDefaultArgs: extensions.length ? ['--disable-extensions'] : undefined,
      })
      imkey = await find(join(profile, 'imkeysim.json'))
    } else {
      lesserWay()
      imkey = await startSimulator(wanted)
      browser = await puppeteer.launch({ ...own, userDataDir: profile, args: [...asRoot, ...(own.args ?? [])] })
      const inject = async (target) => (await target.page())?.evaluateOnNewDocument(simulatedUSB(imkey.url))
      browser.on('targetcreated', (target) => inject(target).catch(() => {})) // the target may have gone
      await Promise.all(browser.targets().map(inject))
    }
    session = ids.length ? await browser.target().createCDPSession() : undefined
  } catch (error) {
    throw await ended([() => browser?.close(), () => imkey?.close(), () => removed(profile)], error)
  }
  tape?.started(imkey)

  const withPicture = async (act) => {
    const page = (await browser.pages()).at(-1)
    const picture = await page?.screenshot({ type: 'jpeg', quality: 50, encoding: 'base64' }).catch(() => undefined) // the page may be closing
    if (picture) imkey.note(page.url(), `data:image/jpeg;base64,${picture}`)
    return act()
  }
  const act =
    (name) =>
    (...args) =>
      withPicture(() => imkey[name](...args))
  return {
    browser,
    imkey,
    approve: act('approve'),
    reject: act('reject'),
    unplug: act('unplug'),
    fault: act('fault'),
    screen: () => imkey.screen(),
    extension: session && new Extension(ids[0], session),
    /** report writes the report of a failed test to a file. */
    report: async (file, error) => {
      await withPicture(async () => {})
      await writeFile(file, report({ title: file, error: error?.message, ...(await imkey.seen()) }))
    },
    /** close ends the browser and checks the recording. Call it with passed: false after a failure. */
    close: async ({ passed = true } = {}) => {
      let failure
      if (passed) await tape?.check(imkey).catch((error) => (failure = error))
      failure = await ended([() => browser.close(), () => imkey.close(), () => way !== 'plugged' && removed(profile)], failure)
      failure = await ended([() => tape?.finish(imkey, passed && !failure)], failure)
      if (failure) throw failure
    },
  }
}
