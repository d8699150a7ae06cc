// The README's test of a pairing and a signature, with Puppeteer. In an empty folder beside the checkout:
//
//   npm install puppeteer-core@24
//   go build -C ../imkey-connect -o "$PWD/imkeysim" ./devicesim/cmd/imkeysim
//   node --test
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import puppeteer from 'puppeteer-core'

const phrase = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

test('binds and signs', { timeout: 120_000 }, async (t) => {
  const imkeysim = spawn('./imkeysim', ['chromium', '-headless', '-mnemonic', phrase], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => imkeysim.kill())
  const lines = []
  for await (const line of createInterface({ input: imkeysim.stdout })) {
    if (lines.push(line) && line.startsWith('devtools ')) break
  }
  const control = lines[0] + '/sim/v1/'
  const post = (call, body) =>
    fetch(control + call, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  const until = async (ok) => { // waits for a state of the device
    let text = ''
    for await (const chunk of (await fetch(control + 'events')).body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const state = JSON.parse(text.split('\n\n').at(-2)?.slice('data: '.length) ?? null)
      if (state && ok(state)) return state
    }
  }

  const browser = await puppeteer.connect({ browserWSEndpoint: lines.at(-1).slice('devtools '.length) })
  const page = await browser.newPage()
  await page.goto(lines[0])
  await page.locator('[data-action=connect]').click()
  await page.locator('[data-action=go-on]').click()
  const { screen } = await until((device) => device.binding === 'code-shown')
  await page.locator('.code-box').wait()
  await page.type('.code-box', screen.find((line) => /^\w{8}$/.test(line)))
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-state=bound]')

  await page.goto(lines[0] + '/dapp')
  await page.locator('[data-action=connect]').click()
  await page.waitForSelector('[data-account]')
  await page.locator('[data-action=sign-message]').click()
  const asked = await until((device) => device.asking)
  assert.match(asked.screen[0], /^Sign message:/)
  await post('device/press', { button: 'ok' })
  assert.match(await page.locator('[data-answer]').map((answer) => answer.textContent).wait(), /^"0x[0-9a-f]{130}"$/)
})
