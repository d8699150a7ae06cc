import { expect, test } from './fixtures.js'

test('binds and signs', async ({ imkeysim, page }) => {
  await page.goto(imkeysim.url)
  await page.click('[data-action=connect]')
  await page.click('[data-action=go-on]')
  await page.locator('.code-box').first().pressSequentially(await imkeysim.code())
  await page.keyboard.press('Enter')
  await expect(page.locator('[data-state=bound]')).toBeVisible()

  await page.goto(`${imkeysim.url}/dapp`)
  await page.click('[data-action=connect]')
  await expect(page.locator('[data-account]')).toBeVisible()
  await page.click('[data-action=sign-message]')
  expect(await imkeysim.answer('ok')).toMatch(/^Sign message:/)
  await expect(page.locator('[data-answer]')).toHaveText(/^"0x[0-9a-f]{130}"$/)
})
