// Tests that run at once. Each writes which device its page saw and when.
import { appendFile } from 'node:fs/promises'
import { expect, test } from 'imkey-connect-testing/playwright'

test.describe.configure({ mode: 'parallel' })
test.use({ imkeyOptions: { confirmBinding: true } })

for (let n = 0; n < 12; n++) {
  test(`session ${n}`, async ({ page, imkey, approve }) => {
    const from = Date.now()
    const { serial } = await imkey.state()
    await page.goto(imkey.url)
    await page.locator('[data-action=connect]').click()
    await page.locator('[data-action=go-on]').click()
    await page
      .locator('.code-box')
      .first()
      .pressSequentially(await imkey.code())
    await page.keyboard.press('Enter')
    expect(await approve()).toContain('Bind this app?')
    await expect(page.locator('[data-state=bound]')).toBeVisible({ timeout: 60_000 })
    expect((await imkey.state()).binding).toBe('bound')
    const seen = await page.evaluate(async () => (await navigator.usb.getDevices()).map(({ serialNumber }) => serialNumber))
    await appendFile(process.env.SEEN, `${JSON.stringify({ n, serial, seen, from, to: Date.now() })}\n`)
  })
}
