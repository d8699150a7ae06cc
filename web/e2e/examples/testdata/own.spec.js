// The extension of this project, with the fixtures and nothing else.
import { expect, test } from 'imkey-connect-testing/playwright'

test.use({ imkeyOptions: { extensions: ['own'] }, baseURL: 'http://localhost:9' })

test('the extension of this project', async ({ page, extension }) => {
  await page.route('http://localhost:9/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>A site</title>' }),
  )
  await page.goto('/')
  await extension.part('worker')
  await extension.part('offscreen.html')
  await extension.kill('worker')
  const found = await page.evaluate(
    () =>
      new Promise((done) => {
        addEventListener('eip6963:announceProvider', ({ detail }) => done(detail.info.name))
        dispatchEvent(new Event('eip6963:requestProvider'))
      }),
  )
  expect(found).toContain('imKey')
  expect(extension.id).toMatch(/^[a-p]{32}$/)
})
