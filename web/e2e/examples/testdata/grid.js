// Sessions on a grid, each with a device of its own: binds, signs, and looks for devices of others.
//
//	GRID=http://… node grid.js SESSIONS AT_ONCE [remote]   prints a line of JSON for each session
//	GRID=http://… node grid.js held 8                      holds 8 sessions, prints "ready", and goes on when a line comes on standard input
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { attach, gridCapabilities } from 'imkey-connect-testing/webdriver'
import { Builder, By, Key, until } from 'selenium-webdriver'

const limit = 120_000

/** processes returns the processes that a process started, with their memory (proportional set size, kB) and CPU time (seconds). */
function processes(root) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
        return [{ pid: +pid, parent: +fields[1], cpu: (+fields[11] + +fields[12] + +fields[13] + +fields[14]) / 100 }]
      } catch {
        return [] // it has ended
      }
    })
  const found = new Set([root])
  for (let before = 0; before !== found.size;) {
    before = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  let kilobytes = 0
  for (const pid of found)
    try {
      kilobytes += +(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {} // it has ended
  const cpu = all.filter(({ pid }) => found.has(pid)).reduce((sum, process) => sum + process.cpu, 0)
  return { megabytes: Math.round(kilobytes / 1024), cpu: Math.round(cpu * 10) / 10 }
}

/** start starts session n. */
async function start(n, remote) {
  const began = Date.now()
  const serial = `imKey011912${String(n).padStart(5, '0')}`
  const driver = await new Builder()
    .usingServer(process.env.GRID)
    .withCapabilities(gridCapabilities({ confirmBinding: true, serial }, ['--headless']))
    .build()
  try {
    const capabilities = await driver.getCapabilities()
    return { driver, n, serial, began, ...(await attach(driver, { remote })), pid: capabilities.get('goog:processID') }
  } catch (error) {
    await driver.quit()
    throw error
  }
}

/** bind binds the device of a session on the connect page. */
async function bind({ driver, imkey }) {
  const shown = (selector) => driver.wait(until.elementLocated(By.css(selector)), limit)
  await driver.get(imkey.url)
  await (await shown('[data-action=connect]')).click()
  await (await shown('[data-action=go-on]')).click()
  await (await shown('.code-box')).sendKeys(await imkey.code({ timeout: limit }), Key.ENTER)
  await imkey.approve({ timeout: limit })
  await shown('[data-state=bound]')
}

/** sign signs on the dApp page, and returns what the device asked and what the page got. */
async function sign({ driver, imkey }) {
  const shown = (selector) => driver.wait(until.elementLocated(By.css(selector)), limit)
  await driver.get(`${imkey.url}/dapp`)
  await (await shown('[data-action=connect]')).click()
  await shown('[data-outcome=good]') // the page takes one request at a time
  await (await shown('[data-action=sign-message]')).click()
  const asked = await imkey.approve({ timeout: limit })
  const answer = await shown('[data-answer]')
  await driver.wait(async () => /0x[0-9a-f]{130}/.test(await answer.getText()), limit)
  return asked
}

/** end checks that a session saw its own device alone, and ends it. */
async function end(session, measure) {
  const { driver, imkey, serial, began, pid, n, asked } = session
  const seen = await driver.executeAsyncScript(
    'const done = arguments[0]; navigator.usb.getDevices().then((all) => done(all.map((device) => device.serialNumber)))',
  )
  const state = await imkey.state()
  const used = measure ? processes(pid) : {}
  await driver.quit()
  return {
    n,
    serial,
    own: state.serial,
    seen,
    bound: state.binding,
    asked,

    url: imkey.url,
    seconds: (Date.now() - began) / 1000,
    ...used,
  }
}

async function whole(n, remote) {
  const session = await start(n, remote)
  try {
    await bind(session)
    session.asked = await sign(session)
    return await end(session, !remote)
  } catch (error) {
    await session.driver.quit().catch(() => {})
    throw error
  }
}

const [what, atOnce, where] = process.argv.slice(2)
const remote = where === 'remote' ? true : undefined
if (what === 'held') {
  const sessions = await Promise.all(Array.from({ length: +atOnce }, (_, n) => start(n, undefined)))
  await Promise.all(sessions.map(bind))
  console.log(`ready ${sessions.map(({ pid }) => pid).join(' ')}`)
  await once(createInterface({ input: process.stdin }), 'line')
  await Promise.all(
    sessions.map(async (session) => {
      try {
        session.asked = await sign(session)
        console.log(JSON.stringify(await end(session)))
      } catch (error) {
        console.log(JSON.stringify({ n: session.n, pid: session.pid, lost: error.message.split('\n')[0] }))
      }
    }),
  )
} else {
  let next = 0
  await Promise.all(
    Array.from({ length: +atOnce }, async () => {
      for (let n = next++; n < +what; n = next++) console.log(JSON.stringify(await whole(n, remote)))
    }),
  )
}
process.exit(0)
