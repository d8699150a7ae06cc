// A simulated imKey for WebDriver: selenium-webdriver, WebdriverIO, a grid on this machine.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asRoot, browserPath, extensionId, find, loading, switches, testMnemonic } from './index.js'
import { report } from './report.js'

/**
 * capabilities returns those of a session whose browser has the device plugged in. args are more of Chromium's own.
 */
export function capabilities({ extensions = [], ...options } = {}, args = []) {
  const allow = [...(options.allow ?? []), ...extensions.map(extensionId)]
  return {
    browserName: 'chrome',
    'goog:chromeOptions': {
      binary: browserPath(),
      args: [...asRoot, ...args, ...loading(extensions), ...switches({ mnemonic: testMnemonic, ...options, allow })],
      ...(extensions.length ? { excludeSwitches: ['disable-extensions'] } : {}),
    },
  }
}

/**
 * attach returns the device of a session. driver is that of selenium-webdriver or WebdriverIO.
 */
export async function attach(driver) {
  const all = driver.getCapabilities ? await driver.getCapabilities() : driver.capabilities
  const chrome = all.get ? all.get('chrome') : all.chrome
  if (!chrome?.userDataDir) throw new Error('The driver does not say where the profile of its browser is, as chromedriver does')
  const imkey = await find(join(chrome.userDataDir, 'imkeysim.json'))
  await imkey.watchScreen()
  const withPicture = async (act) => {
    const picture = await driver.takeScreenshot().catch(() => undefined) // a dialog may be open
    if (picture) imkey.note('page', 'the page', `data:image/png;base64,${picture}`)
    return act()
  }
  const act =
    (name) =>
    (...args) =>
      withPicture(() => imkey[name](...args))
  return {
    imkey,
    approve: act('approve'),
    reject: act('reject'),
    unplug: act('unplug'),
    fault: act('fault'),
    screen: () => imkey.screen(),
    /** report writes the report of a failed test to a file. */
    report: async (file, error) => {
      await withPicture(async () => {})
      await writeFile(file, report({ title: file, error: error?.message, steps: imkey.steps, trace: await imkey.trace() }))
    },
    /** detach ends the connection to the simulator, which ends with the browser. */
    detach: () => imkey.stopWatching(),
  }
}
