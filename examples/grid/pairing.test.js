import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attach, gridCapabilities } from 'imkey-connect-testing/webdriver'
import { Builder, By, Key, until } from 'selenium-webdriver'

for (const n of [1, 2, 3, 4])
  test(`binds device ${n}`, { timeout: 120_000, concurrency: true }, async (t) => {
    const driver = await new Builder()
      .usingServer(process.env.GRID ?? 'http://localhost:4444')
      .withCapabilities(gridCapabilities({ confirmBinding: true }, ['--headless']))
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
