// The README's test of a pairing and a signature, with Puppeteer. In an empty folder beside the checkout:
//
//   npm install puppeteer-core@24
//   go build -C ../imkey-connect -o "$PWD/imkeysim" ./devicesim/cmd/imkeysim
//   node --test
import assert from 'node:assert/strict'
import { test } from 'node:test'
import puppeteer from 'puppeteer-core'
import { startChromium } from '../imkey-connect/devicesim/examples/imkeysim.mjs'

const phrase = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

test('binds and signs', { timeout: 120_000 }, async (t) => {
  const imkeysim = await startChromium('./imkeysim', '-mnemonic', phrase)
  t.after(() => imkeysim.stop())
  const browser = await puppeteer.connect({ browserWSEndpoint: imkeysim.devtools })
  const page = await browser.newPage()
  await page.goto(imkeysim.url)
  await page.locator('[data-action=connect]').click()
  await page.locator('[data-action=go-on]').click()
  await page.locator('.code-box').wait()
  await page.type('.code-box', await imkeysim.code())
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-state=bound]')

  await page.goto(imkeysim.url + '/dapp')
  await page.locator('[data-action=connect]').click()
  await page.waitForSelector('[data-account]')
  await page.locator('[data-action=sign-message]').click()
  assert.match(await imkeysim.answer('ok'), /^Sign message:/)
  assert.match(await page.locator('[data-answer]').map((answer) => answer.textContent).wait(), /^"0x[0-9a-f]{130}"$/)
})
