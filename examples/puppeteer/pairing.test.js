import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch } from 'imkey-connect-testing/puppeteer'
import puppeteer from 'puppeteer-core'

test('binds and signs', { timeout: 120_000 }, async (t) => {
  const { browser, imkey, approve, close } = await launch(puppeteer)
  t.after(() => close())
  const page = await browser.newPage()

  await page.goto(imkey.url)
  await page.locator('[data-action=connect]').click()
  await page.locator('[data-action=go-on]').click()
  await page.locator('.code-box').wait()
  await page.type('.code-box', await imkey.code())
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-state=bound]')

  await page.goto(`${imkey.url}/dapp`)
  await page.locator('[data-action=connect]').click()
  await page.waitForSelector('[data-outcome=good]') // the page takes one request at a time
  await page.locator('[data-action=sign-message]').click()
  assert.match(await approve(), /^Sign message:/)
  const answer = page.locator('[data-answer]').map((element) => element.textContent)
  assert.match(await answer.wait(), /^"0x[0-9a-f]{130}"$/)
})
