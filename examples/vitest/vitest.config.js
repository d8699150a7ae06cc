import { playwright } from '@vitest/browser-playwright'
import { imkey } from 'imkey-connect-testing/vitest'
import { defineConfig } from 'vitest/config'

const { provider, commands } = imkey({ confirmBinding: true })

export default defineConfig({
  optimizeDeps: { exclude: ['imkey-connect'] }, // it finds its WASM beside its own file
  test: {
    testTimeout: 60_000,
    fileParallelism: false, // there is one device
    browser: { enabled: true, headless: true, provider: playwright(provider), instances: [{ browser: 'chromium' }], commands },
  },
})
