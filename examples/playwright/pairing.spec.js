import { expect, test } from './fixtures.js'

test('binds and signs', async ({ imkeysim, page }) => {
  await page.goto(imkeysim.url)
  await page.locator('[data-action=connect]').click()
  await page.locator('[data-action=go-on]').click()
  await page
    .locator('.code-box')
    .first()
    .pressSequentially(await imkeysim.code())
  await page.keyboard.press('Enter')
  await expect(page.locator('[data-state=bound]')).toBeVisible()

  await page.goto(`${imkeysim.url}/dapp`)
  await page.locator('[data-action=connect]').click()
  await expect(page.locator('[data-outcome=good]')).toBeVisible() // the page takes one request at a time
  await page.locator('[data-action=sign-message]').click()
  expect(await imkeysim.answer('ok')).toMatch(/^Sign message:/)
  await expect(page.locator('[data-answer]')).toHaveText(/^"0x[0-9a-f]{130}"$/)
})
