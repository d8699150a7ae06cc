import { expect, test } from 'imkey-connect-testing/playwright'

test.use({ imkeyOptions: { confirmBinding: true } })

test('binds the device', async ({ page, imkey, approve }) => {
  await page.goto(imkey.url)
  await page.locator('[data-action=connect]').click()
  await page.locator('[data-action=go-on]').click()
  await page
    .locator('.code-box')
    .first()
    .pressSequentially(await imkey.code())
  await page.keyboard.press('Enter')
  expect(await approve()).toContain('Bind this app?')
  await expect(page.locator('[data-state=bound]')).toBeVisible()
})
