// Stands in for Cypress, whose program npm does not have: loads the project's configuration, starts its browser with the switches of Cypress's
// launcher, shows the site in a frame without the headers that Cypress removes, and does what the project's test does, by its tasks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { plugIn } from 'imkey-connect-testing/cypress'
import puppeteer from 'puppeteer-core'
import config from './cypress.config.js'

/** handlersOf runs setupNodeEvents as Cypress does. */
async function handlersOf(setup, given) {
  const handlers = {}
  const answer = await setup((event, handler) => (handlers[event] = handler), given)
  return { handlers, answer }
}

test('Cypress', { timeout: 120_000 }, async (t) => {
  const electron = { name: 'electron', family: 'chromium' }
  const { handlers, answer } = await handlersOf(config.e2e.setupNodeEvents, { baseUrl: null, browsers: [electron], keep: 1 })
  assert.equal(answer.keep, 1)
  const [first, browser] = answer.browsers
  assert.equal(first, electron)
  assert.equal(browser.name, 'imkey')
  assert.equal(browser.family, 'chromium')
  assert.match(browser.version, /^\d+(\.\d+){3}$/)
  assert.equal(browser.majorVersion, Number.parseInt(browser.version, 10))
  assert.ok(existsSync(browser.path))

  const others = { args: ['--a'], preferences: {}, extensions: [], env: {} }
  handlers['before:browser:launch'](electron, others)
  assert.deepEqual(others.args, ['--a'], 'another browser is left alone')

  const profile = await mkdtemp(join(tmpdir(), 'cypress-'))
  const launch = { args: ['--no-sandbox', '--no-first-run', '--disable-gpu', '--headless=new'], preferences: {}, extensions: [], env: {} }
  const launched = handlers['before:browser:launch'](browser, launch) ?? launch
  const child = spawn(browser.path, [`--user-data-dir=${profile}`, '--remote-debugging-port=0', ...launched.args, 'about:blank'])
  t.after(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    while (existsSync(join(profile, 'imkeysim.json'))) await new Promise((done) => setTimeout(done, 20)) // the last thing that is removed
    await rm(profile, { recursive: true, force: true })
  })
  let devtools
  for await (const line of createInterface({ input: child.stderr })) if ((devtools = /^DevTools listening on (.*)/.exec(line)?.[1])) break
  const connected = await puppeteer.connect({ browserWSEndpoint: devtools, defaultViewport: null })
  t.after(() => connected.disconnect())

  const task = handlers.task
  const site = await task.imkeyURL(null) // cy.task without an argument
  const page = await connected.newPage()
  await page.setRequestInterception(true)
  page.on('request', async (request) => {
    if (new URL(request.url()).pathname === '/__/')
      return request.respond({ contentType: 'text/html', body: '<iframe src="/" style="width:100%;height:90vh"></iframe>' })
    if (request.resourceType() !== 'document') return request.continue()
    const response = await fetch(request.url())
    await request.respond({ contentType: 'text/html', body: await response.text() })
  })
  await page.goto(`${site}/__/`)
  const frame = await (await page.waitForSelector('iframe')).contentFrame()
  await frame.locator('[data-action=connect]').click()
  await frame.locator('[data-action=go-on]').click()
  await frame.locator('.code-box').wait()
  await (await frame.$('.code-box')).type(await task.imkeyCode(null))
  await page.keyboard.press('Enter')
  assert.match(await task.imkeyApprove({ timeout: 20_000 }), /^Bind this app\?/)
  await frame.waitForSelector('[data-state=bound]')

  await task.imkeyFault([{ on: 'in', packet: 1, do: 'stall' }])
  assert.equal(await task.imkeyUnplug(null), null, 'Cypress refuses undefined')
  assert.equal((await task.imkeyState(null)).plugged, false)
})

test("the site of baseUrl and the project's own may use the device", async () => {
  const given = { baseUrl: 'https://localhost:8443/app/', browsers: [] }
  const { handlers, answer } = await handlersOf((on, it) => plugIn(on, it, { allow: ['http://localhost:5173'], pin: '123456' }), given)
  const launch = { args: [] }
  handlers['before:browser:launch'](answer.browsers[0], launch)
  assert.ok(launch.args.includes('--imkey-allow=https://localhost:8443,http://localhost:5173'), launch.args.join('\n'))
  assert.ok(launch.args.includes('--imkey-pin=123456'), launch.args.join('\n'))
  await assert.rejects(
    handlersOf((on, it) => plugIn(on, it, { colour: 1 }), { browsers: [] }).then(({ handlers: all, answer: { browsers } }) =>
      all['before:browser:launch'](browsers[0], { args: [] }),
    ),
    /There is no option colour/,
  )
})
