package connector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// rawPorts lets a page speak to the connector's window without the SDK. raw(window) greets it and gives what it answers; say sends a message,
// and until waits for an answer.
const rawPorts = `
	globalThis.raw = (window) => {
		const { port1, port2 } = new MessageChannel()
		const it = { got: [], closed: false }
		const waiting = new Set()
		port1.onmessage = ({ data }) => {
			if (data === '?') return port1.postMessage('!')
			it.got.push(JSON.parse(data))
			for (const look of waiting) look()
		}
		it.say = (message) => port1.postMessage(typeof message === 'string' ? message : JSON.stringify(message))
		it.post = (value) => port1.postMessage(value)
		it.until = (test) => new Promise((resolve) => {
			const look = () => {
				const found = it.got.find(test)
				if (found) (waiting.delete(look), resolve(found))
			}
			waiting.add(look)
			look()
		})
		it.ask = (id, method, params = []) => {
			it.say({ type: 'request', id, method, params })
			return it.until((message) => message.id === id)
		}
		window.postMessage('imkey-connector hello', '*', [port2])
		it.say({ type: 'hello', v: 1, sdk: 'hostile' })
		it.welcome = it.until(({ type }) => type === 'welcome')
		return it
	}`

// TestHostilePages has sites do to the connector's window what an honest one does not: forged and replayed messages, other origins, opaque
// ones, frames, polluted prototypes, floods, huge messages, look-alikes, windows that are covered, closed, navigated, or so small that only
// the button is seen, and pages that leave while a request is open. Nothing reaches the device without a consent on the screen, the queue is
// bounded, and the memory is returned.
func TestHostilePages(t *testing.T) {
	t.Parallel()
	sim := harness.NewSim(t, device.Options{Mnemonic: mnemonic})
	b := sim.StartBrowser(harness.BrowserOptions{})
	node := harness.NewFakeNode(t)
	origin := site(t)
	d := openSite(b, origin, node)
	var asked harness.Request
	w := b.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
	accept(w, d)
	bind(w)
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value))
	withoutCORS(t, d, node)
	deepFrame(t, d)
	private(t, b, d, node)
	sign(w, d)
	w.Run("window.close()")
	waitUntilGone(b, w)

	exchanges := func() (n int) {
		for _, event := range sim.Device.Trace() {
			if strings.HasPrefix(event.Kind, "apdu") {
				n++
			}
		}
		return n
	}
	quiet := exchanges()
	untouched := func(why string) {
		t.Helper()
		require.Equal(t, quiet, exchanges(), why)
		require.False(t, sim.Device.Status().Asking, why)
	}

	sizes(t, b, node)
	untouched("a window in a size that a site chose")

	// From here on, another site opens the window and speaks to it without the SDK.
	evil := &harness.Dapp{Browser: b.NewTab(), Origin: strings.Replace(site(t), "127.0.0.1", "localhost", 1)}
	evil.Load(node.URL, connector(b))
	evil.Run(rawPorts)
	w = b.NewWindow(func() {
		evil.RunInClick(fmt.Sprintf("globalThis.opened = open('%s/connect#' + origin, 'mine', 'popup,width=440,height=760')", sim.URL))
	})
	w.WaitFor("[data-state=idle]")
	evil.Run("globalThis.port = raw(opened); await port.welcome")

	said := func(expression string) string { t.Helper(); return harness.Eval[string](evil.Browser, expression) }
	require.Equal(t, "4100", said(`port.ask(1, 'personal_sign', ['0x00', '`+account+`']).then(({ code }) => String(code))`), "the other site has the permission, not this one")
	require.Equal(t, "[]", said(`port.ask(2, 'eth_accounts').then(({ result }) => JSON.stringify(result))`))

	// Forged and replayed messages.
	evil.Run(`
		const bad = [
			{ type: 'request', id: 2, method: 'eth_accounts', params: [] }, { type: 'result', id: 1, result: 1 }, { type: 'answer', id: 1, yes: true },
			{ type: 'request', id: 10, method: 'eth_accounts', params: [], origin: 'https://other.example' }, { type: 'hello', v: 1, sdk: 'x' }, '{', '[]', 'null', '""',
			'{"type":"request","id":11,"method":"eth_accounts","params":[],"__proto__":{"origin":"x"}}', '{"__proto__":{"yes":true},"type":"beat"}',
			'{"type":"request","id":12,"method":"eth_accounts","params":[],"constructor":{"prototype":{"yes":true}}}',
		]
		for (const message of bad) port.say(message)
		for (const value of [undefined, null, 1, {}, new ArrayBuffer(8), [bad]]) port.post(value)
		for (const message of [...bad, { yes: true }, ['imkey-connector hello'], { toString: 'imkey-connector hello' }]) opened.postMessage(message, '*')
		port.say({ type: 'request', id: 20, method: 'eth_chainId', params: [] })
		await port.until(({ id }) => id === 20)`)
	require.Equal(t, 18, harness.Eval[int](evil.Browser, "port.got.filter(({ code }) => code === -32600).length"))
	require.Equal(t, "undefined undefined undefined", harness.Eval[string](w, "[({}).yes, ({}).origin, ({}).id].map(String).join(' ')"))
	untouched("forged and replayed messages")

	// Frames: each is the origin that the browser says, and an opaque one gets no answer.
	inFrame := func(attributes, script string) string {
		t.Helper()
		return said(fmt.Sprintf(`new Promise((resolve) => {
			const frame = Object.assign(document.createElement('iframe'), %s)
			addEventListener('message', ({ data, source }) => { if (source === frame.contentWindow) (frame.remove(), resolve(data)) })
			document.body.append(frame)
			const script = '<script>' + %q + %q + '<' + '/script>'
			frame.srcdoc = script
		})`, attributes, rawPorts, script))
	}
	const greet = `
		const port = raw(parent.opened)
		const asked = port.welcome.then(() => port.ask(1, 'personal_sign', ['0x00', '` + account + `'])).then(({ code }) => String(code))
		Promise.race([asked, new Promise((go) => setTimeout(go, 500, 'no answer'))]).then((told) => parent.postMessage(told, '*'))`
	require.Equal(t, "4100", inFrame("{}", greet), "a frame of the same origin")
	for _, sandbox := range []string{"allow-scripts", "allow-scripts allow-popups allow-forms"} {
		// It cannot reach the parent's variables, so the parent sends its port on.
		require.Equal(t, "no answer", inFrame(fmt.Sprintf("{ sandbox: %q }", sandbox), `
			const port = raw({ postMessage: (message, target, ports) => {
				const named = open('', 'mine')
				if (named) named.postMessage(message, target, ports)
			} })
			Promise.race([port.welcome.then(() => 'welcome'), new Promise((go) => setTimeout(go, 500, 'no answer'))]).then((told) => parent.postMessage(told, '*'))`))
	}
	untouched("frames")

	// A flood: at most 16 wait for the user, the others are refused at once, and the page of the window goes on.
	before := w.HeapUsed()
	evil.Run(`
		globalThis.flood = raw(opened)
		await flood.welcome
		for (let id = 1; id <= 10000; id++) flood.say({ type: 'request', id, method: id % 2 ? 'eth_requestAccounts' : 'wallet_requestPermissions', params: id % 2 ? [] : [{ eth_accounts: {} }] })
		flood.say({ type: 'request', id: 10001, method: 'eth_chainId', params: [] })
		await flood.until(({ id }) => id === 10001)`)
	require.Equal(t, 9984, harness.Eval[int](evil.Browser, "flood.got.filter(({ code }) => code === -32005).length"))
	settled(w)
	require.Contains(t, w.Text(), evil.Origin[len("http://"):], "the screen names the site")
	w.Press("reject-all")
	evil.Run("while (flood.got.filter(({ code }) => code === 4001).length < 16) await new Promise((go) => setTimeout(go, 10))")
	require.Equal(t, 1, harness.Eval[int](evil.Browser, "Math.max(...Object.values(Object.groupBy(flood.got.filter(({ id }) => id), ({ id }) => id)).map(({ length }) => length))"), "each is settled once")

	// 50 MB through the port, and past it.
	evil.Run(`
		const long = 'x'.repeat(50 << 20)
		flood.post(long)
		opened.postMessage(long, '*')
		opened.postMessage('imkey-connector hello' + long, '*')
		flood.say({ type: 'request', id: 10002, method: 'personal_sign', params: ['0x' + '00'.repeat(200 << 10), '` + account + `'] })
		flood.say({ type: 'request', id: 10003, method: 'eth_chainId', params: [] })
		await flood.until(({ id }) => id === 10003)
		flood.say({ type: 'bye' })`)
	require.Equal(t, 2, harness.Eval[int](evil.Browser, "flood.got.filter(({ code }) => code === -32600).length"))
	after := w.HeapUsed()
	require.Less(t, after-before, 4e6, "the memory is returned")
	untouched("a flood and huge messages")
	t.Logf("10000 requests and 50 MB: 16 waited, 9984 were refused, the window's heap went from %.1f to %.1f MB", before/1e6, after/1e6)

	// A look-alike of the site that has the permission: the same name, another port or host, is another site.
	require.Equal(t, "true", said(fmt.Sprintf("String(origin !== %q)", origin)))
	require.Equal(t, "[]", said(`port.ask(30, 'eth_accounts').then(({ result }) => JSON.stringify(result))`))

	// The window is shown another page, and one that says that it is the connector: its message is not believed.
	evil.Run("port.say({ type: 'request', id: 31, method: 'eth_requestAccounts', params: [] })")
	w.WaitFor("[data-state=asking]")
	w.WaitFor(`[data-ready="true"]`)
	evil.Run("opened.focus(); opened.blur(); opened.focus()")
	evil.Run("opened.location = '/dapp-under-test'")
	w.WaitUntil("document.title === 'dApp'")
	untouched("a window that was navigated")
	evil.Run("opened.close()")
	waitUntilGone(b, w)

	// A page that leaves while a request is open.
	d.Load(node.URL, connector(b)+", remember: true")
	w = b.NewWindow(func() { asked = d.Click("eth_requestAccounts", "[]") })
	w.WaitFor("[data-state]")
	require.JSONEq(t, `["`+account+`"]`, string(asked.Wait().Value), "the permission is still there")
	asked = d.Click("personal_sign", `["0x00", "`+account+`"]`)
	accept(w, d)
	asked.WaitForQuestion()
	d.Do(chromedp.Navigate(evil.Origin + "/dapp-under-test"))
	sim.WaitUntilIdle()
	w.WaitFor("[data-state=withdrawn]")
}

// deepFrame has a frame in a frame of the site with the permission speak to that site's window, which it finds by its name. It is the origin
// that the browser says, so it gets nothing.
func deepFrame(t *testing.T, d *harness.Dapp) {
	t.Helper()
	d.Run(fmt.Sprintf(`
		globalThis.outer = document.createElement('iframe')
		const loaded = new Promise((go) => (outer.onload = go))
		outer.src = %q
		document.body.append(outer)
		await loaded`, site(t)+"/puppet"))
	script := fmt.Sprintf("(async () => { %s\n%s })()", rawPorts, fmt.Sprintf(`
		const found = open('', %q)
		if (!found) return 'no window'
		const port = raw(found)
		await port.welcome
		const { code } = await port.ask(1, 'personal_sign', ['0x00', '%s'])
		const { result } = await port.ask(2, 'eth_accounts')
		port.say({ type: 'bye' })
		return code + ' ' + JSON.stringify(result)`, d.Sim.URL+"/connect", account))
	said := harness.Eval[string](d.Browser, fmt.Sprintf(`new Promise((resolve) => {
		const { port1, port2 } = new MessageChannel()
		port1.onmessage = ({ data }) => resolve(data)
		outer.contentWindow.postMessage(%q, '*', [port2])
	})`, fmt.Sprintf("frame({ src: %q }).then((inside) => tell(inside, %q))", site(t)+"/puppet", script)))
	d.Run("outer.remove()")
	t.Log("a frame in a frame: ", said)
	require.Contains(t, []string{"no window", "4100 []"}, said)
}

// private opens the site in an incognito window. There the connector is another app, which knows no device and no site. What the user does
// there ends with its window, and takes nothing from the one outside.
func private(t *testing.T, b *harness.Browser, d *harness.Dapp, node *harness.FakeNode) {
	t.Helper()
	p := &harness.Dapp{Browser: b.NewPrivateTab(), Origin: d.Origin}
	p.Load(node.URL, connector(b)+", remember: true")
	require.JSONEq(t, "[]", string(p.Request("eth_accounts", "[]").Value))
	p.Request("personal_sign", `["0x00", "`+account+`"]`).RequireError(t, 4100, "invalid-argument")
	var asked harness.Request
	w := p.NewWindow(func() { asked = p.Click("eth_requestAccounts", "[]") })
	accept(w, p)
	w.WaitForState("choose")
	w.RequireText("connector.chooseLead")
	w.Press("cancel")
	asked.Wait().RequireError(t, 4001, "user-rejected")
	w.Run("window.close()")
	p.Close()
}
