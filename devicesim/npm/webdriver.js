// A simulated imKey for WebDriver: selenium-webdriver, WebdriverIO, a grid.
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asRoot, browserPath, extensionId, find, loading, switches, testMnemonic } from './index.js'
import { findThere } from './remote.js'
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
 * gridCapabilities returns those for a grid, whose node names the browser. Only a node with the stereotype of gridNode takes them.
 */
export function gridCapabilities(options, args = []) {
  return {
    browserName: 'chrome',
    [plugged]: true,
    'goog:chromeOptions': { args: [...args, ...switches({ mnemonic: testMnemonic, ...options })] },
  }
}

/** plugged is what the session and the node of a grid have in common. */
const plugged = 'imkey:plugged'

/** gridNode returns the settings of a node of Selenium Grid, as TOML for its option --config. */
export function gridNode({ sessions, browser = browserPath(), chromedriver = '/usr/bin/chromedriver' }) {
  const stereotype = { browserName: 'chrome', [plugged]: true, 'goog:chromeOptions': { binary: browser, args: asRoot } }
  const text = JSON.stringify
  return `[node]
detect-drivers = false
override-max-sessions = true
max-sessions = ${sessions}

[[node.driver-configuration]]
display-name = "Chromium with an imKey"
max-sessions = ${sessions}
webdriver-executable = ${text(chromedriver)}
stereotype = ${text(text(stereotype))}
`
}

/**
 * attach returns the device of a session. driver is that of selenium-webdriver or WebdriverIO. The browser may run on another machine.
 */
export async function attach(driver, { remote } = {}) {
  const all = driver.getCapabilities ? await driver.getCapabilities() : driver.capabilities
  const chrome = all.get ? all.get('chrome') : all.chrome
  if (!chrome?.userDataDir) throw new Error('The driver does not say where the profile of its browser is, as chromedriver does')
  const elsewhere = remote ?? !existsSync(chrome.userDataDir)
  const imkey = elsewhere ? await findThere(driver, chrome.userDataDir) : await find(join(chrome.userDataDir, 'imkeysim.json'))
  const withPicture = async (act) => {
    const picture = await driver.takeScreenshot().catch(() => undefined) // a dialog may be open
    if (picture) imkey.note('', `data:image/png;base64,${picture}`)
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
      await writeFile(file, report({ title: file, error: error?.message, ...(await imkey.seen()) }))
    },
  }
}
