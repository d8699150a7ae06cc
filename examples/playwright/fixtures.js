import { chromium, test as base } from '@playwright/test'
import { startChromium } from 'imkeysim'

// The words of the simulated wallet. Never use those of a real one.
const mnemonic = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

export { expect } from '@playwright/test'

export const test = base.extend({
  /** A new simulated imKey, and the Chromium into which it is plugged. A last argument names the site that may use it. */
  imkeysim: async ({}, use) => {
    const imkeysim = await startChromium('./imkeysim', '-mnemonic', mnemonic)
    await use(imkeysim)
    await imkeysim.stop()
  },

  /** A page of that Chromium. */
  page: async ({ imkeysim }, use) => {
    const browser = await chromium.connectOverCDP(imkeysim.devtools)
    await use(await browser.contexts()[0].newPage())
    await browser.close()
  },
})
