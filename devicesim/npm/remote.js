// The device of a browser on another machine: a tab of that browser reaches the simulator, which answers its own machine alone.
import { posix } from 'node:path'
import { ImKey } from './index.js'

/** commandsOf returns what is used of selenium-webdriver or WebdriverIO. */
function commandsOf(driver) {
  if (!driver.switchTo)
    return {
      handle: () => driver.getWindowHandle(),
      open: async () => (await driver.createWindow('tab')).handle,
      activate: (handle) => driver.switchToWindow(handle),
      load: (url) => driver.navigateTo(url),
      run: (script, ...args) => driver.executeAsync(script, ...args),
    }
  return {
    handle: () => driver.getWindowHandle(),
    open: async () => {
      await driver.switchTo().newWindow('tab')
      return driver.getWindowHandle()
    },
    activate: (handle) => driver.switchTo().window(handle),
    load: (url) => driver.get(url),
    run: (script, ...args) => driver.executeAsyncScript(script, ...args),
  }
}

const send = `
const [path, body, done] = arguments
fetch(path, body === null ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  .then(async (response) => done({ ok: response.ok, status: response.status, text: await response.text() }))
  .catch((error) => done({ ok: false, status: 0, text: String(error) }))
`

/** findThere finds the simulator of a browser with a profile on another machine. */
export async function findThere(driver, profile) {
  const { handle, open, activate, load, run } = commandsOf(driver)
  let last = Promise.resolve()
  /** apart does something in the tab of the simulator, and comes back to the tab under test. */
  const apart = (tab, action) => {
    const done = last.then(async () => {
      const under = await handle()
      await activate(tab)
      try {
        return await action()
      } finally {
        await activate(under)
      }
    })
    last = done.catch(() => {}) // the caller gets the error
    return done
  }
  const under = await handle()
  const tab = await open()
  await activate(tab)
  try {
    await load(`file://${posix.join(profile, 'imkeysim.json')}`)
    const text = await run('arguments[0](document.body.innerText)')
    let found
    try {
      found = JSON.parse(text)
    } catch (cause) {
      throw new Error(`There is no imkeysim.json in ${profile}. Is the browser of that machine imkeysim's?`, { cause })
    }
    await load(`${found.url}/device`) // a page of the simulator may call it
    return new ImKey(found.url, found.devices.length, 1, (path, body = null) => apart(tab, () => run(send, path, body)))
  } finally {
    await activate(under)
  }
}
