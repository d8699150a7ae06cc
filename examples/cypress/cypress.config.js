import { defineConfig } from 'cypress'
import { plugIn } from 'imkey-connect-testing/cypress'

export default defineConfig({
  e2e: {
    supportFile: false,
    setupNodeEvents: (on, config) => plugIn(on, config, { confirmBinding: true }),
  },
})
