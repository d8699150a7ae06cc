import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startChromium } from 'imkeysim'
import puppeteer from 'puppeteer-core'

// The words of the simulated wallet. Never use those of a real one.
const mnemonic = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

test('binds and signs', { timeout: 120_000 }, async (t) => {
  const imkeysim = await startChromium('./imkeysim', '-mnemonic', mnemonic)
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

  await page.goto(`${imkeysim.url}/dapp`)
  await page.locator('[data-action=connect]').click()
  await page.waitForSelector('[data-outcome=good]') // the page takes one request at a time
  await page.locator('[data-action=sign-message]').click()
  assert.match(await imkeysim.answer('ok'), /^Sign message:/)
  const answer = page.locator('[data-answer]').map((element) => element.textContent)
  assert.match(await answer.wait(), /^"0x[0-9a-f]{130}"$/)
})
