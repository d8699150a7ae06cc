// A simulated imKey for Vitest's browser mode with the provider Playwright: one device for all test files, which run one after the other.
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { browserPath, find, switches, testMnemonic } from './index.js'
import { userOf } from './user.js'

// Vitest serves the tests on the first free port from this one on.
const firstPort = 63315
const ports = 20

/** imkey returns the options for the provider, and the commands for tests. */
export function imkey({ allow = [], ...options } = {}) {
  const profile = join(tmpdir(), `imkey-test-${randomUUID()}`)
  const own = Array.from({ length: ports }, (_, n) => `http://localhost:${firstPort + n}`)
  return {
    provider: {
      launchOptions: {
        executablePath: browserPath(),
        args: switches({ mnemonic: testMnemonic, ...options, allow: [...own, ...allow], temporary: true }),
      },
      // Another context of Playwright is a private window, which has no permissions.
      persistentContext: profile,
    },
    commands: Object.fromEntries(
      // Vitest passes what it knows about the test first.
      Object.entries(userOf(() => find(join(profile, 'imkeysim.json')))).map(([name, call]) => [name, (_, ...args) => call(...args)]),
    ),
  }
}
