// A site under test whose exchange is recorded once and played later.
import { expect, test } from 'imkey-connect-testing/playwright'

test.use({ recording: 'greeting', baseURL: 'http://localhost:9' })

test('signs a greeting', async ({ page, imkey, approve }) => {
  await page.route('http://localhost:9/**', async (route) => {
    const path = new URL(route.request().url()).pathname
    if (path === '/') return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>A site</title>' })
    await route.fulfill({ path: `node_modules/imkey-connect${path}` })
  })
  await page.goto('/')
  await page.evaluate(
    async (ca) => {
      const { loadImKey } = await import('/imkey.js')
      const [device] = await (await loadImKey({ trustedCAs: [ca] })).getDevices()
      globalThis.device = device
      globalThis.shown = await device.open()
      await device.bindingStatus()
      await device.showBindingCode()
    },
    (await imkey.state()).ca,
  )
  await page.evaluate((code) => globalThis.device.bind(code, { shown: globalThis.shown }), await imkey.code())
  const signed = page.evaluate(
    (name) => globalThis.device.ethereum.signMessage(`Hello ${name}`, { path: "m/44'/60'/0'/0/0" }),
    process.env.GREETED ?? 'World',
  )
  expect(await approve()).toBe('Sign message:Hello World')
  expect((await signed).signature ?? (await signed)).toMatch(/^0x[0-9a-f]{130}$/)
})
