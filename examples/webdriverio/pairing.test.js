import { $, browser, expect } from '@wdio/globals'
import { attach } from 'imkey-connect-testing/webdriver'

describe('the connect page', () => {
  it('binds the device', async () => {
    const { imkey, approve } = await attach(browser)
    await browser.url(imkey.url)
    await $('[data-action=connect]').click()
    await $('[data-action=go-on]').click()
    await $('.code-box').waitForExist()
    await $('.code-box').click()
    await browser.keys([...(await imkey.code()), 'Enter'])
    expect(await approve()).toContain('Bind this app?')
    await expect($('[data-state=bound]')).toBeExisting()
  })
})
