// The extension of this project, with the fixtures and nothing else.
import { expect as expectAtOnce, test } from 'imkey-connect-testing/playwright'

const expect = expectAtOnce.configure({ timeout: 60_000 })

test.use({ imkeyOptions: { extensions: ['own'] }, baseURL: 'http://localhost:9' })

test('the extension of this project', async ({ page, extension, imkey, approve }) => {
  const context = page.context()
  await page.route('http://localhost:9/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>A site</title>' }),
  )
  await page.goto('/')
  await extension.part('worker')
  await extension.part('offscreen.html')
  expect(extension.id).toMatch(/^[a-p]{32}$/)
  await page.evaluate(
    () =>
      new Promise((done) => {
        addEventListener('eip6963:announceProvider', ({ detail }) => {
          globalThis.provider = detail.provider
          done()
        })
        dispatchEvent(new Event('eip6963:requestProvider'))
      }),
  )

  /** shown waits for a page of the extension. */
  const shown = async (path) => {
    const url = extension.url(path)
    const is = (candidate) => candidate.url().split(/[?#]/)[0] === url
    await expect.poll(() => context.pages().some(is), { message: `the extension opens ${path}` }).toBe(true)
    return context.pages().find(is)
  }
  /** ask makes a request of the site, and says yes in the extension's window. It returns the request's answer, later. */
  const ask = async (method, params) => {
    const answer = page.evaluate(([name, given]) => globalThis.provider.request({ method: name, params: given }), [method, params])
    answer.catch(() => {}) // the test looks at it later
    await (await shown('request.html')).locator('[data-state=asking][data-ready=true] [data-action=accept]').click()
    return { answer }
  }
  let account
  const hex = (text) => `0x${Buffer.from(text).toString('hex')}`
  const signs = async (text) => {
    const { answer } = await ask('personal_sign', [hex(text), account])
    expect(await approve()).toBe(`Sign message:${text}`)
    expect(await answer).toMatch(/^0x[0-9a-f]{130}$/)
  }

  // The first request opens the tab that binds.
  const { answer } = await ask('eth_requestAccounts')
  const tab = await shown('pair.html')
  await tab.locator('[data-action=connect]').click()
  await tab.locator('[data-state=recognised] [data-action=go-on]').click()
  await tab.locator('[data-state=unverified] [data-control=accept]').check()
  await tab.locator('[data-state=unverified] [data-action=go-on]').click()
  await tab
    .locator('[data-state=code] .code-box')
    .first()
    .pressSequentially(await imkey.code())
  await tab.keyboard.press('Enter')
  await tab.locator('[data-state=bound] [data-action=done]').click()
  ;[account] = await answer
  expect(account).toBe('0x9858EfFD232B4033E47d90003D41EC34EcaEda94')
  const popup = await context.newPage()
  await popup.goto(extension.url('popup.html'))
  await expect(popup.locator('[data-binding=bound]')).toBeVisible()
  await popup.close()

  // Its parts end, and it goes on.
  await signs('first')
  for (const part of ['worker', 'offscreen.html']) {
    await extension.kill(part)
    await signs(`without ${part}`)
  }

  // A stale claim: another page of the extension has the device. The extension says so, and signs when it is released.
  await extension.kill('offscreen.html')
  const other = await context.newPage()
  await other.goto(extension.url('help.html'))
  await other.evaluate(async () => {
    const [device] = await navigator.usb.getDevices()
    await device.open()
    await device.selectConfiguration(1).catch(() => {}) // it has one
    const ours = device.configuration.interfaces.find(({ alternate }) => alternate.interfaceClass === 255)
    await device.claimInterface(ours.interfaceNumber)
  })
  const claimed = await ask('personal_sign', [hex('a stale claim'), account])
  await expect(claimed.answer).rejects.toThrow(/in use|using|another (tab|program)/i)
  await (await shown('request.html')).close() // it shows the error until it is closed
  await other.close()
  await signs('after the stale claim')

  // A lost permission: the extension says that it does not reach the device, and offers to choose it again.
  const forgetting = await context.newPage()
  await forgetting.goto(extension.url('help.html'))
  await forgetting.evaluate(async () => {
    for (const device of await navigator.usb.getDevices()) await device.forget()
  })
  await forgetting.close()
  await ask('personal_sign', [hex('without permission'), account])
  await (await shown('request.html')).locator('[data-state=failed] [data-action=choose]').click()
  await expect((await shown('pair.html')).locator('[data-action=connect]')).toBeVisible()
})
