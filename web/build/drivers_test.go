package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// simulatorOfDrivers stands for imkeysim: it writes its address, and writes a file when it ends as asked.
const simulatorOfDrivers = `#!/usr/bin/env node
import { writeFileSync } from 'node:fs'
console.log('http://127.0.0.1:1')
process.stdin.on('end', () => writeFileSync(process.env.ENDED, '')).resume()
`

// playwrightOfDrivers stands for @playwright/test: test.extend gives the fixtures.
const playwrightOfDrivers = `
export const expect = () => {}
export const test = { extend: (fixtures) => fixtures }
export const chromium = { launchPersistentContext: (...args) => globalThis.launching(...args) }
`

// driversMain has what the cases below share. A browser fails where broken says.
const driversMain = `
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { launch } from './puppeteer.js'
import { test } from './playwright.js'
import { ImKey } from './index.js'
console.warn = () => {}

let profile, closed = 0, broken = ''
const at = (place) => async () => { if (broken === place) throw new Error(place) }
const close = async () => { closed++; await at('close')(); if (broken === 'both') throw new Error('close') }
const page = { evaluateOnNewDocument: async () => { await at('script')(); if (broken === 'both') throw new Error('script') } }
const puppeteer = { launch: async ({ userDataDir }) => {
  profile = userDataDir
  return { close, on() {}, targets: () => [{ page: async () => page }], target: () => ({ createCDPSession: at('session') }), pages: async () => [] }
} }
globalThis.launching = async (userDataDir) => {
  profile = userDataDir
  return { close, on() {}, pages: () => [], addInitScript: page.evaluateOnNewDocument }
}
const info = { file: process.cwd() + '/a.js', config: { updateSnapshots: 'none' }, status: 'passed', expectedStatus: 'passed', errors: [], titlePath: ['t'],
  outputPath: (name) => name, attach: at('attach') }
const drivers = {
  puppeteer: async (use) => {
    const session = await launch(puppeteer, { way: 'websocket' })
    await use()
    await session.close()
  },
  playwright: (use) => test.imkeySession({ imkeyOptions: {}, way: 'websocket', imkeyContext: {} }, use, info),
}
/** fails checks that a use fails with a message, and that nothing of it is left. */
async function fails(use, message) {
  closed = 0
  await assert.rejects(use, { message })
  assert.equal(closed, 1, 'the browser was closed once')
  assert.equal(existsSync(profile), false, 'the profile is there')
  assert.equal(existsSync(process.env.ENDED), true, 'the simulator was not ended')
}
const [driver, where, message] = process.argv.slice(2)
broken = where
`

// TestDriversCleanUp: whatever fails, the drivers' fixtures close the browser, end the simulator, remove the profile, and report the first error.
func TestDriversCleanUp(t *testing.T) {
	web, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(web, "..", filepath.FromSlash(testingFolder)))))
	files := tree{}
	require.NoError(t, bundleReport(web, false, files))
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	write("report.js", string(files["report.js"]))
	write("imkeysim", simulatorOfDrivers)
	write("node_modules/@playwright/test/package.json", `{"type":"module","exports":"./index.js"}`)
	write("node_modules/@playwright/test/index.js", playwrightOfDrivers)
	write("fails.mjs", driversMain+`
await fails(() => drivers[driver](async () => { if (broken === 'use' || broken === 'attach') throw new Error('use') }), message)
`)
	write("seen.mjs", driversMain+`
const { createServer } = await import('node:net')
const server = createServer()
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const { port } = server.address()
await new Promise((done) => server.close(done))
const { notes, simulator } = await new ImKey('http://127.0.0.1:' + port).seen()
assert.equal(simulator, null, 'a refused connection: the simulator has ended')
assert.deepEqual(notes, [])
const there = new ImKey('', 1, 1, async () => ({ ok: false, status: 500, text: 'no room' }))
const seen = await there.seen()
assert.deepEqual(seen.simulator, { trace: [], history: [] }, 'another error is not the end of the simulator')
assert.match(seen.notes[0].what, /500 no room/)
`)
	run := func(t *testing.T, args ...string) {
		t.Helper()
		temp := t.TempDir()
		command := exec.CommandContext(t.Context(), "node", args...)
		command.Dir, command.Env = dir, append(os.Environ(), "IMKEYSIM="+filepath.Join(dir, "imkeysim"), "TMPDIR="+temp, "ENDED="+filepath.Join(temp, "ended"))
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	for _, c := range []struct{ driver, broken, message string }{
		{"puppeteer", "script", "script"},
		{"puppeteer", "both", "script"},
		{"puppeteer", "close", "close"},
		{"playwright", "script", "script"},
		{"playwright", "both", "script"},
		{"playwright", "close", "close"},
		{"playwright", "use", "use"},
		{"playwright", "attach", "use"},
	} {
		t.Run(c.driver+" fails at "+c.broken, func(t *testing.T) {
			t.Parallel()
			run(t, "fails.mjs", c.driver, c.broken, c.message)
		})
	}
	t.Run("a report of a simulator that does not answer", func(t *testing.T) {
		t.Parallel()
		run(t, "seen.mjs", "puppeteer", "", "")
	})
}
