import { capabilities } from 'imkey-connect-testing/webdriver'

export const config = {
  specs: ['./*.test.js'],
  framework: 'mocha',
  mochaOpts: { timeout: 120_000 },
  reporters: ['spec'],
  logLevel: 'error',
  capabilities: [
    {
      ...capabilities({ confirmBinding: true }, ['--headless']),
      'wdio:chromedriverOptions': { binary: process.env.CHROMEDRIVER ?? '/usr/bin/chromedriver' },
    },
  ],
}
