// A wallet extension as the test subject. It shows that the fixtures find what goes wrong in extensions.
import { expect as expectAtOnce, test } from 'imkey-connect-testing/playwright'

const expect = expectAtOnce.configure({ timeout: 60_000 })

test.use({ imkeyOptions: { extensions: ['wallet'] } })

test('a wallet extension whose parts end', async ({ page, extension, imkey, approve }) => {
  await page.goto(extension.url('page.html'))
  const said = page.locator('#said')
  const sign = async (text) => {
    await page.locator('#text').fill(text)
    await page.locator('#sign button').click()
  }
  const signs = async (text) => {
    await sign(text)
    expect(await approve()).toBe(`Sign message:${text}`)
    await expect(said).toHaveText(/^0x[0-9a-f]{130}$/)
  }

  await page.locator('#connect').click()
  await page.locator('#code').fill(await imkey.code())
  await page.locator('#accept').check()
  await page.locator('#code').press('Enter')
  await expect(said).toHaveText('Bound.')
  await page.locator('#choose').click()
  await page.locator('#choices button').first().click()
  await expect(page.locator('#accounts li')).toHaveCount(1)
  await signs('first')

  for (const part of ['worker', 'offscreen.html']) {
    await extension.kill(part)
    await signs(`without ${part}`)
  }

  // A stale claim: another page of the extension has the device.
  await extension.kill('offscreen.html')
  const other = await page.context().newPage()
  await other.goto(extension.url('page.html'))
  await other.evaluate(async () => {
    const [device] = await navigator.usb.getDevices()
    await device.open()
    await device.selectConfiguration(1).catch(() => {}) // it has one
    const { interfaces } = device.configuration
    const ours = interfaces.find(({ alternate }) => alternate.interfaceClass === 255)
    await device.claimInterface(ours.interfaceNumber)
  })
  await sign('a stale claim')
  await expect(said).toContainText('is using your imKey')
  await other.close()
  await signs('after the stale claim')

  // A lost permission.
  await page.evaluate(async () => {
    for (const device of await navigator.usb.getDevices()) await device.forget()
  })
  await sign('without permission')
  await expect(said).toContainText(/No imKey|not.*(found|plugged|connected)|permission/i)
})
