package connector_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// killCase is one case of [TestStoppedParts]: what ends, and when, during which operation.
type killCase struct{ victim, stage, operation string }

func (c killCase) String() string { return c.victim + " " + c.stage + " " + c.operation }

// killCases returns all cases, or a sample that has each victim, each stage and each operation.
func killCases() []killCase {
	if os.Getenv("IMKEY_FULL") == "" {
		return []killCase{
			{"site crashes", "on the device", "message"},
			{"window crashes", "on the device", "transaction"},
			{"window closes", "on the screen", "connect"},
			{"window closes", "on the device", "message"},
			{"cable", "on the device", "message"},
		}
	}
	var all []killCase
	for _, operation := range []string{"connect", "pair", "message", "transaction"} {
		for _, stage := range []string{"before", "on the screen", "on the device", "after"} {
			if operation == "connect" && stage == "on the device" {
				continue // a bound device gives its accounts without a question
			}
			for _, victim := range []string{"site closes", "site reloads", "site crashes", "window closes", "window reloads", "window crashes", "cable"} {
				all = append(all, killCase{victim, stage, operation})
			}
		}
	}
	return all
}

// killing is the state of [TestStoppedParts]: a site, its connector's window, and what the test counts.
type killing struct {
	t      *testing.T
	sim    *harness.Sim
	b      *harness.Browser
	node   *harness.FakeNode
	origin string
	code   string // the binding code
	d      *harness.Dapp
	w      *harness.Browser // nil where none is open
	codes  map[string]int   // how requests ended
}

// TestStoppedParts ends a part while a site connects, pairs, signs a message or sends a transaction: the site's tab or the connector's window is
// closed, reloaded or crashes, or the cable is unplugged, each before the request, while the screen asks, while the device waits, and after. Each
// request that has a page is settled once with its code, the device asks nothing any more within two seconds, the next request works, and no
// permission and no binding is lost.
func TestStoppedParts(t *testing.T) {
	t.Parallel()
	cases := killCases()
	k := &killing{t: t, codes: map[string]int{}}
	k.sim = harness.NewSimFor(t, device.Options{Mnemonic: mnemonic}, harness.Timeout+time.Duration(len(cases))*15*time.Second)
	k.b = k.sim.StartBrowser(harness.BrowserOptions{})
	k.node = harness.NewFakeNode(t)
	// Another host, so that the browser gives the site and the connector processes of their own.
	k.origin = strings.Replace(site(t), "127.0.0.1", "localhost", 1)

	k.open()
	asked := k.ask("eth_requestAccounts", "[]")
	accept(k.w, k.d)
	k.w.WaitForState("recognised")
	k.w.Press("go-on")
	k.w.WaitForState("code")
	k.code = k.sim.Device.Code()
	k.w.EnterCode(k.code)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))

	var slowest time.Duration
	for _, c := range cases {
		if took := k.run(c); took > slowest {
			slowest = took
		}
	}
	t.Logf("%d cases; requests ended: %v; the device was idle after at most %d ms", len(cases), k.codes, slowest.Milliseconds())
}

// open opens the site in a new tab, and counts there how often each request is settled on the connector's port.
func (k *killing) open() {
	k.t.Helper()
	k.d = &harness.Dapp{Browser: k.b.NewTab(), Origin: k.origin}
	k.load()
}

func (k *killing) load() {
	k.t.Helper()
	k.d.Load(k.node.URL, connector(k.b)+", remember: true")
	k.d.Run(`
		globalThis.settled = {}
		const { open } = window
		window.open = (...args) => (globalThis.opened = open.apply(window, args))
		let ports = 0
		globalThis.MessageChannel = class extends MessageChannel {
			constructor() {
				super()
				const port = ++ports
				this.port1.addEventListener('message', ({ data }) => {
					if (data.length < 2) return
					const { type, id } = JSON.parse(data)
					if (type === 'result' || type === 'error') settled[port + ' ' + id] = (settled[port + ' ' + id] ?? 0) + 1
				})
			}
		}`)
}

// ask makes a request in a click. It opens the connector's window if that is not open.
func (k *killing) ask(method, params string) (asked harness.Request) {
	k.t.Helper()
	if k.w != nil {
		return k.d.Click(method, params)
	}
	k.w = k.b.NewWindow(func() { asked = k.d.Click(method, params) }) // it outlives the tab of the site
	return asked
}

// begin makes the request of an operation.
func (k *killing) begin(operation string) harness.Request {
	k.t.Helper()
	switch operation {
	case "message":
		return k.ask("personal_sign", `["0x68656c6c6f", "`+account+`"]`)
	case "transaction":
		return k.ask("eth_sendTransaction", `[{ from: "`+account+`", to: "`+account+`", value: "0x1" }]`)
	}
	return k.ask("eth_requestAccounts", "[]")
}

// prepare brings about what an operation needs: no permission for connecting, and no record of the binding for pairing.
func (k *killing) prepare(operation string) {
	k.t.Helper()
	if operation != "connect" && operation != "pair" {
		return
	}
	k.window()
	require.JSONEq(k.t, "null", string(k.d.Request("wallet_revokePermissions", "[{ eth_accounts: {} }]").Value))
	k.w.Run(`
		const { result: database } = await new Promise((go) => (indexedDB.open('imkey-connector').onsuccess = ({ target }) => go(target)))
		const keys = () => new Promise((go) => (database.transaction('kept').objectStore('kept').getAllKeys().onsuccess = ({ target }) => go(target.result)))
		while ((await keys()).some((key) => key.startsWith('permission'))) await new Promise((go) => setTimeout(go, 5))
		database.close()`)
	if operation == "pair" {
		k.w.Run(`
			const imkey = await (await import('/imkey.js')).loadImKey()
			for (const { seid } of await imkey.knownDevices()) await imkey.forget(seid)`)
		// The page would answer from what it read of the device a moment ago.
		k.w.Do(chromedp.Reload())
		k.w.WaitFor("[data-state=idle]")
	}
}

// window makes sure that the connector's window is open.
func (k *killing) window() {
	k.t.Helper()
	if k.w == nil {
		k.finish("message", k.begin("message"))
	}
}

// toDevice accepts on the screen, and waits until the device waits for the user, or the window for the code of the device.
func (k *killing) toDevice(operation string, asked harness.Request) {
	k.t.Helper()
	// The sentence how an earlier request ended stays until the user has read it.
	const ended = "[data-state=withdrawn] button, [data-state=failed] button"
	k.w.WaitUntil("document.querySelector('[data-state=asking], " + ended + "')")
	k.w.Run("document.querySelector('" + ended + "')?.click()")
	accept(k.w, k.d)
	switch operation {
	case "pair":
		toCode(k.w)
	case "message", "transaction":
		asked.WaitForQuestion()
	}
}

// finish answers a request with yes, to its end.
func (k *killing) finish(operation string, asked harness.Request) {
	k.t.Helper()
	k.toDevice(operation, asked)
	switch operation {
	case "pair":
		k.w.EnterCode(k.code)
	case "message", "transaction":
		k.sim.Device.Press(device.OK)
	}
	o := asked.Wait()
	require.Zero(k.t, o.Code, "%+v", o)
	k.codes["result"]++
}

// kill ends the victim. It returns what brings a page of the site back, and what is left of a window away.
func (k *killing) kill(victim string) (after func()) {
	k.t.Helper()
	old := k.w
	leave := func() {
		old.WaitUntil("!document.querySelector('[data-state=asking], [data-state=device], [data-state=code]')")
		old.Close()
		k.w = nil // another tab has a window of its own
		k.open()
	}
	// The site finds a window by its name until it is gone there, too.
	closed := func() {
		waitUntilGone(k.b, old)
		k.d.Run("while (!opened.closed) await new Promise((go) => setTimeout(go, 10))")
	}
	switch victim {
	case "site closes":
		k.d.Browser.Close()
		return leave
	case "site reloads":
		k.d.Do(chromedp.Reload()) // to its end: the next navigation would be aborted by it
		return k.load
	case "site crashes":
		k.d.Kill()
		return func() {
			k.d.Browser.Close()
			leave()
		}
	case "window closes":
		old.Run("setTimeout(() => window.close())")
		waitUntilGone(k.b, old)
		k.w = nil
		return closed
	case "window reloads":
		old.Do(chromedp.Reload())
		return func() { old.WaitFor("[data-state]") }
	case "window crashes":
		old.Kill()
		return func() {
			old.Close()
			closed()
			k.w = nil
		}
	case "cable":
		k.sim.Device.Unplug()
		return func() {
			old.WaitForDevices(0)
			k.sim.Device.Plug()
			old.WaitForDevices(1)
		}
	}
	panic(victim)
}

// run runs a case, and returns how long the device asked after the kill.
func (k *killing) run(c killCase) time.Duration {
	k.t.Helper()
	done := false
	defer func() {
		if !done {
			ended, _ := chromedp.Run(k.d.Ctx, chromedp.Evaluate[string](`Promise.all(Object.values(pending).map((one) =>
				Promise.race([one, new Promise((go) => setTimeout(go, 100, 'it has not ended'))]))).then(JSON.stringify)`, chromedp.EvalAwaitPromise))
			k.t.Log("in the case: ", c, "; the requests of the page: ", ended)
		}
	}()
	k.window()
	k.prepare(c.operation)
	var asked *harness.Request
	switch c.stage {
	case "on the screen", "on the device":
		r := k.begin(c.operation)
		asked = &r
		if c.stage == "on the device" {
			k.toDevice(c.operation, r)
		} else {
			k.w.WaitFor(`[data-state="asking"][data-ready="true"]`)
		}
	case "after":
		k.finish(c.operation, k.begin(c.operation))
	}
	asks := k.sim.Device.Status().Asking
	after := k.kill(c.victim)
	began := time.Now()
	var took time.Duration // how long the device went on asking
	if asks {
		k.sim.WaitUntilIdle()
		took = time.Since(began)
	}
	if os.Getenv("IMKEY_FULL") != "" { // otherwise other tests may slow this one down
		require.Less(k.t, took, 2*time.Second, c)
	}
	if asked != nil && !strings.HasPrefix(c.victim, "site") {
		if c.victim == "cable" && c.stage == "on the screen" {
			k.w.Press("reject")
		} else if c.victim == "cable" && c.operation == "pair" {
			// The window goes on when the device is back, and so does the request.
			k.w.WaitForState("error")
			after()
			after = func() {}
			toCode(k.w)
			k.w.EnterCode(k.code)
		}
		o := asked.Wait()
		how := strings.TrimSpace(fmt.Sprintf("%d %s", o.Code, o.Reason))
		goesOn := c == killCase{"cable", "on the device", "pair"}
		if goesOn {
			require.Zero(k.t, o.Code, "%s: %+v", c, o)
			how, c.stage = "result", "after"
		} else {
			require.Contains(k.t, []string{"4001 user-rejected", "4900 aborted", "4900 device-disconnected"}, how, c)
		}
		k.codes[how]++
	}
	after()
	// The next request works: the same one if it had not been carried out.
	operation := c.operation
	if c.stage == "after" {
		operation = "message"
	}
	k.finish(operation, k.begin(operation))
	for id, times := range harness.Eval[map[string]int](k.d.Browser, "settled") {
		require.Equal(k.t, 1, times, "%s: %s", c, id)
	}
	require.True(k.t, k.sim.IsBound())
	done = true
	return took
}
