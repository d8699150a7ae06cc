import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, capabilities } from 'imkey-connect-testing/webdriver'
import { Builder, By, Key, until } from 'selenium-webdriver'
import chrome from 'selenium-webdriver/chrome.js'

test('binds the device', { timeout: 120_000 }, async (t) => {
  const driver = await new Builder()
    .withCapabilities(capabilities({ confirmBinding: true }, ['--headless']))
    .setChromeService(new chrome.ServiceBuilder(process.env.CHROMEDRIVER ?? '/usr/bin/chromedriver'))
    .build()
  t.after(() => driver.quit())
  const { imkey, approve } = await attach(driver)

  await driver.get(imkey.url)
  await driver.findElement(By.css('[data-action=connect]')).click()
  await (await driver.wait(until.elementLocated(By.css('[data-action=go-on]')))).click()
  await (await driver.wait(until.elementLocated(By.css('.code-box')))).sendKeys(await imkey.code(), Key.ENTER)
  assert.match(await approve(), /^Bind this app\?/)
  await driver.wait(until.elementLocated(By.css('[data-state=bound]')))
})
