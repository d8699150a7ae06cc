// A test that fails on purpose. Its report is what the Go test looks at.
import { expect, test } from 'imkey-connect-testing/playwright'

test('fails', async ({ page, imkey, fault }) => {
  await page.goto(imkey.url)
  await fault({ on: 'in', packet: 9999, do: 'stall' })
  await page.locator('[data-action=connect]').click()
  await page.locator('[data-action=go-on]').click()
  await imkey.code()
  await expect(page.locator('[data-state=bound]')).toBeVisible({ timeout: 500 })
})
