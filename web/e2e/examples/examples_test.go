// Package examples runs each project in the folder examples as its reader does: copied into an empty folder, installed and
// built by the commands of its README, and opened in a Chromium with the simulated device plugged in.
package examples

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/web/e2e/harness"
)

// TestHTML opens the page with the device in the browser's own WebUSB, and with the simulator's WebUSB as the README says.
func TestHTML(t *testing.T) {
	t.Parallel()
	e := copied(t, "html")
	e.run(`cp -r path/to/imkey-connect/web/dist/imkey* path/to/imkey-connect/web/dist/assets .`)
	page, err := os.ReadFile(filepath.Join(e.dir, "index.html"))
	require.NoError(t, err)
	simulated := regexp.MustCompile("(?s)```js\n(.*?)```").FindStringSubmatch(e.readme)
	require.Len(t, simulated, 2)
	const load = "const imkey = await loadImKey()\n"
	require.Equal(t, 1, strings.Count(string(page), load))
	require.Contains(t, e.readme, "`"+strings.TrimSpace(load)+"`")

	for _, way := range []string{"plugged in", "simulated"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			sim := simtest.Start(t, device.Options{Mnemonic: mnemonic})
			html, options := string(page), chromium.Options{}
			if way == "simulated" {
				html = strings.ReplaceAll(strings.Replace(html, load, simulated[1], 1), "http://localhost:7380", sim.URL)
				options.Devices = []preload.Device{} // none
			}
			site := http.NewServeMux()
			site.Handle("/", http.FileServer(http.Dir(e.dir)))
			site.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = w.Write([]byte(html))
			})
			server := httptest.NewServer(site)
			t.Cleanup(server.Close)
			options.Permissions = sim.Permissions(server.URL)
			sim.Launch(options)

			p := sim.Page(server.URL)
			says := func(text string) { t.Helper(); shows(p, regexp.QuoteMeta(text)) }
			enter := func(code string) {
				t.Helper()
				p.Eval(`void (document.getElementById('code').value = '')`)
				p.Type("#code", code+"\n")
			}
			p.Click("#connect")
			says("Enter the code on its screen.")
			code := sim.Device.Code()
			enter("ABCO" + code[4:])
			says("A code has no “O”.")
			if way == "plugged in" { // the other way brings the simulator's CA
				enter(code)
				says("This device cannot be verified. Nothing was sent to it.")
				for _, event := range sim.Device.Trace() {
					require.NotContains(t, event.Text, "IDENTITY_VERIFY")
				}
				p.Click("#accept")
			}
			enter(harness.WrongCode(code))
			says(harness.ErrorSentence(t, "wrong-code"))
			sim.Device.Simulated.SetConfirmBinding(true)
			enter(strings.ToLower(code[:4] + "-" + code[4:]))
			says("Look at your imKey.")
			sim.Device.Approve()
			says("Bound.")

			p.Open(server.URL) // the binding stays
			p.Click("#connect")
			says("Bound.")
			p.Click("#sign button")
			require.Equal(t, "Sign message:Hello", sim.Device.Approve())
			requireSigned(t, "Hello", shows(p, `0x[0-9a-f]{130}`))
		})
	}
}

// TestViteViem builds the site, and serves it as any server of static files does.
func TestViteViem(t *testing.T) {
	t.Parallel()
	e := copied(t, "vite-viem")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-[0-9]*.tgz`)
	e.run(`npm run build`)
	connectAndSign(t, e.served("dist"))
}

// TestReactWagmi is TestViteViem with React. The account is there again after a reload.
func TestReactWagmi(t *testing.T) {
	t.Parallel()
	e := copied(t, "react-wagmi")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-[0-9]*.tgz`)
	e.run(`npm run build`)
	p := connectAndSign(t, e.served("dist"))
	p.Open(p.Eval(`location.href`).(string))
	shows(p, address) // without a click
}

// TestNextJS builds the site with both of Next.js's bundlers, and has Next.js serve it. It costs about a minute of CPU time.
func TestNextJS(t *testing.T) {
	needsFull(t)
	t.Parallel()
	e := copied(t, "nextjs")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-[0-9]*.tgz`)
	for _, bundler := range []string{"turbopack", "webpack"} {
		t.Run(bundler, func(t *testing.T) {
			e.run(`npm run build`, "--", "--"+bundler)
			connectAndSign(t, e.started(t, `npm start`, "--", "--port", "0", "--hostname", "127.0.0.1"))
		})
	}
}

// TestGoTest runs a test that is written in Go.
func TestGoTest(t *testing.T) {
	t.Parallel()
	e := copied(t, "go-test")
	e.run(`go mod edit -replace imkey-connect=path/to/imkey-connect`)
	require.Regexp(t, `(?m)^ok  \t`, e.run(`go test`))
}

// TestPlaywright runs Playwright's own runner, whose browsers are not downloaded, with the lines of README and with a wallet extension as
// the test subject.
func TestPlaywright(t *testing.T) {
	t.Parallel()
	e := withFixtures(t)
	e.add("wallet.spec.js")
	require.Regexp(t, `(?m)^  2 passed`, e.run(`npm test`, "--", "--timeout", "180000"))
}

// TestPuppeteer runs node's own runner.
func TestPuppeteer(t *testing.T) {
	t.Parallel()
	e := copied(t, "puppeteer")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	require.Regexp(t, `(?m)^# pass 1$`, e.run(`npm test`))
}

// TestSelenium runs node's own runner, with Debian's chromedriver.
func TestSelenium(t *testing.T) {
	t.Parallel()
	needsChromedriver(t)
	e := copied(t, "selenium")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	require.Regexp(t, `(?m)^# pass 1$`, e.run(`npm test`))
}

// TestWebdriverIO runs WebdriverIO's own runner, with Debian's chromedriver.
func TestWebdriverIO(t *testing.T) {
	needsFull(t)
	needsChromedriver(t)
	e := copied(t, "webdriverio")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	require.Regexp(t, `(?m)^Spec Files:\s+1 passed, 1 total`, e.run(`npm test`))
}

// TestVitest runs a test in Vitest's browser mode.
func TestVitest(t *testing.T) {
	needsFull(t)
	e := copied(t, "vitest")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-[0-9]*.tgz path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	require.Regexp(t, `(?m)^\s+Tests  1 passed \(1\)`, e.run(`npm test`))
	e.checkTypes("signing.test.js", "vitest.config.js")
}

// TestCypress runs Cypress where its program is installed, which npm does not have. Everywhere, another program does what Cypress does
// with the configuration.
func TestCypress(t *testing.T) {
	needsFull(t)
	e := copied(t, "cypress")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	e.checkTypes("cypress.config.js")
	t.Run("stand-in", func(t *testing.T) {
		e.add("cypress.test.js")
		driver := copied(t, "puppeteer")
		driver.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
		require.NoError(t, os.Symlink(filepath.Join(driver.dir, "node_modules/puppeteer-core"), filepath.Join(e.dir, "node_modules/puppeteer-core")))
		require.Regexp(t, `(?m)^# pass 2$`, e.shell(`node --test cypress.test.js`))
	})
	t.Run("Cypress", func(t *testing.T) {
		if out, err := e.prepare(t.Context(), `npx --no-install cypress verify`).CombinedOutput(); err != nil {
			t.Skipf("Cypress's program is not installed. npx --no-install cypress install downloads it from download.cypress.io, and no registry has it:\n%s", out)
		}
		require.Regexp(t, `All specs passed`, e.run(`npm test`))
	})
}

// TestInPlace runs npm ci in each project's own folder.
func TestInPlace(t *testing.T) {
	t.Parallel()
	locks, err := filepath.Glob("../../../examples/*/package-lock.json")
	require.NoError(t, err)
	require.Len(t, locks, 10)
	packed, err := filepath.Glob("../../../build/imkey-connect-[0-9]*.tgz")
	require.NoError(t, err)
	require.Len(t, packed, 1, "run make pack first")
	for _, lock := range locks {
		type pkg struct {
			Resolved, Integrity           string
			Dependencies, DevDependencies map[string]string
		}
		read := func(name string, into any) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, into))
		}
		var manifest pkg
		var locked struct{ Packages map[string]pkg }
		read(filepath.Join(filepath.Dir(lock), "package.json"), &manifest)
		read(lock, &locked)
		require.Equal(t, manifest.Dependencies, locked.Packages[""].Dependencies, lock)
		require.Equal(t, manifest.DevDependencies, locked.Packages[""].DevDependencies, lock)
		if tarball, depends := manifest.Dependencies["imkey-connect"]; depends {
			require.Equal(t, "file:../../build/"+filepath.Base(packed[0]), tarball, lock)
			require.Equal(t, tarball, locked.Packages["node_modules/imkey-connect"].Resolved, lock)
			require.Empty(t, locked.Packages["node_modules/imkey-connect"].Integrity, "%s: delete it, since each build of the tarball has another", lock)
		}
	}
}

// connectAndSign uses a site that connects by the provider: it binds the device in the provider's dialog and signs a message.
func connectAndSign(t *testing.T, origin string) *simtest.Page {
	t.Helper()
	sim := simtest.Start(t, device.Options{Mnemonic: mnemonic})
	p := sim.Page(origin)
	watchDialog(p)
	p.Click("button")
	bindInDialog(p, sim.Device)
	shows(p, address)
	p.Click("form button")
	require.Equal(t, "Sign message:Hello", sim.Device.Approve())
	requireSigned(t, "Hello", shows(p, `0x[0-9a-f]{130}`))
	return p
}
