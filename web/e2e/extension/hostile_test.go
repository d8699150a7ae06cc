package extension_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// hostile is a browser with the extension, a site that has a permission, and one that has none and does what an honest one does not.
type hostile struct {
	t     *testing.T
	s     *harness.Sim
	x     *harness.Extension
	own   *harness.Dapp // the site with the permission
	evil  *harness.Dapp
	at    [3]string
	quiet int // the exchanges with the device so far
}

// TestHostilePages has pages do to the extension what an honest one does not: strict policies and sandboxes, forged and replayed events in the page, frames in frames, opaque
// origins, prototypes that are polluted before the provider's script runs, floods, huge messages, names that look alike, windows over the
// request window, and pages that leave while a request is open. Nothing reaches the device without a yes in the request window, what waits is
// bounded, and the memory is returned. It prints what it counted.
func TestHostilePages(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.TestPhrase(t)})
	s.ServeDapp()
	s.ServeHTML("/puppet", harness.Puppet)
	for path, policy := range map[string]string{
		"/strict":    "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'; sandbox allow-scripts allow-same-origin",
		"/sandboxed": "sandbox allow-scripts",
	} {
		s.Handle(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
			_, _ = io.WriteString(w, "<!doctype html><title>dApp</title>")
		})
	}
	h := &hostile{t: t, s: s, at: origins(s), x: s.StartExtension(harness.BrowserOptions{})}
	h.own, _ = h.x.BoundSite(h.at[0])
	h.quiet = h.exchanges()
	h.open()
	for _, one := range []struct {
		name string
		do   func()
	}{
		{"policies", h.policies},
		{"forged events", h.forged},
		{"extension pages", h.pages},
		{"frames", h.frames},
		{"polluted prototypes", h.polluted},
		{"flood", h.flood},
		{"huge messages", h.huge},
		{"look-alike", h.lookAlike},
		{"covered window", h.covered},
		{"leaving", h.leaving},
	} {
		one.do()
		require.Equal(t, h.quiet, h.exchanges(), one.name)
		require.False(t, s.Device.Status().Asking, one.name)
	}
	// The site with the permission goes on as before.
	require.Equal(t, []string{harness.FirstAddress}, h.own.Accounts())
	h.x.Sign(h.own, "after all that")
	require.True(t, s.IsBound())
}

// exchanges counts the messages between a host and the device.
func (h *hostile) exchanges() (n int) {
	for _, event := range h.s.Device.Trace() {
		if strings.HasPrefix(event.Kind, "apdu") {
			n++
		}
	}
	return n
}

// open opens the hostile page in a new tab. There, said is what the page sent to the relay, got what it got from there, forge sends a text in
// the provider's name, and until waits for a message.
func (h *hostile) open() {
	h.t.Helper()
	if h.evil != nil {
		h.evil.Close()
	}
	h.evil = &harness.Dapp{Browser: h.x.NewTab(), Origin: h.at[1]}
	h.evil.Do(chromedp.Navigate(h.at[1] + "/puppet"))
	h.evil.Discover()
	h.evil.Run(`
		globalThis.said = []
		globalThis.got = []
		const { dispatchEvent } = window
		const waiting = new Set()
		window.dispatchEvent = (event) => {
			said.push(event)
			return dispatchEvent.call(window, event)
		}
		await provider.request({ method: 'eth_chainId' })
		globalThis.channel = said[0].type.replace(/to-wallet$/, '')
		addEventListener(channel + 'to-page', ({ detail }) => {
			got.push(JSON.parse(detail))
			for (const look of waiting) look()
		})
		globalThis.forge = (detail, name = 'to-wallet') => dispatchEvent.call(window, new CustomEvent(channel + name, { detail: detail?.type ? JSON.stringify(detail) : detail }))
		globalThis.until = (test) => new Promise((resolve) => {
			const look = () => {
				const found = got.find(test)
				if (found) (waiting.delete(look), resolve(found))
			}
			waiting.add(look)
			look()
		})
		globalThis.ask = (id, method, params = []) => {
			forge({ type: 'request', id, method, params })
			return until((message) => message.id === id)
		}`)
}

func (h *hostile) count(expression string) int {
	h.t.Helper()
	return harness.Eval[int](h.evil.Browser, expression)
}

func (h *hostile) text(expression string) string {
	h.t.Helper()
	return harness.Eval[string](h.evil.Browser, expression)
}

// policies asks from a page with the strictest policy and Trusted Types, which works, and from a sandboxed page, whose origin is opaque: it is
// refused, and no window opens.
func (h *hostile) policies() {
	open := func(path string) *harness.Dapp {
		d := &harness.Dapp{Browser: h.x.NewTab()}
		d.Do(chromedp.Navigate(h.at[2] + path))
		d.Discover()
		return d
	}
	require.JSONEq(h.t, "[]", string(open("/strict").Request("eth_accounts", "[]").Value))
	sandboxed := open("/sandboxed")
	sandboxed.Request("eth_requestAccounts", "[]").RequireError(h.t, 4100, "permission-denied")
	sandboxed.Request("eth_accounts", "[]").RequireError(h.t, 4100, "permission-denied")
	require.Empty(h.t, h.x.Targets("/request.html"))
}

// forged has the page write to the relay itself. It can say what it likes, and is the origin that the browser says. What does not fit the
// protocol is refused, and an id is not used twice.
func (h *hostile) forged() {
	require.Equal(h.t, "4100 []", h.text(`(async () => {
		const { code } = await ask(1001, 'personal_sign', ['0x00', '`+harness.FirstAddress+`'])
		const { result } = await ask(1002, 'eth_accounts')
		return code + ' ' + JSON.stringify(result)
	})()`), "another site has the permission, not this one")
	h.evil.Run(`
		const bad = [
			said[said.length - 1].detail, { type: 'request', id: 1001, method: 'eth_accounts', params: [] }, { type: 'result', id: 1, result: 1 },
			{ type: 'answer', id: 1, yes: true }, { type: 'request', id: 1010, method: 'eth_accounts', params: [], origin: ` + fmt.Sprintf("%q", h.at[0]) + ` },
			{ type: 'hello', v: 1, sdk: 'x' }, { type: 'show', id: 1 }, '{', '[]', 'null', '""', '{"__proto__":{"yes":true},"type":"beat"}', 'wake',
			'{"type":"request","id":1011,"method":"eth_accounts","params":[],"__proto__":{"origin":"x"}}', '{"do":"list"}',
			'{"type":"request","id":1012,"method":"eth_accounts","params":[],"constructor":{"prototype":{"yes":true}}}',
		]
		globalThis.refused = bad.length
		for (const message of bad) forge(message)
		const texts = { toString: () => '{"type":"beat"}', length: 1 }
		for (const value of [undefined, null, 1, texts, new String('{}'), new ArrayBuffer(8), bad, Symbol, window]) forge(value)
		// Names of other channels, and what the relay tells the page.
		for (const name of ['to-page', 'lost', 'ended', 'taken', 'legacy']) forge('stopped', name)
		for (const name of ['imkey-connect:provider', 'imkey-connect:relay']) dispatchEvent(new CustomEvent(name, { detail: channel }))
		for (const target of [document, document.body]) target.dispatchEvent(new CustomEvent(channel + 'to-wallet', { detail: '{}', bubbles: true }))
		await ask(1020, 'eth_chainId')`)
	require.Equal(h.t, h.count("refused + 3"), h.count("got.filter(({ code }) => code === -32600).length"),
		"each forged text is refused once, and so are the two that bubbled, and the hello of the provider, which believes that its connection was lost")
	require.Zero(h.t, h.count("got.filter(({ type, id }) => id === 1001 && type === 'result').length"), "a replayed request is not carried out")
	require.Empty(h.t, h.x.Targets("/request.html"))

	// Too many malformed messages end the connection. The next one begins anew.
	h.evil.Run(`
		const ended = new Promise((go) => addEventListener(channel + 'lost', go, { once: true }))
		for (let i = 0; i < 40; i++) forge('{')
		await ended`)
	h.open()
}

// pages has the page try the extension's own pages and messages, which are not for it.
func (h *hostile) pages() {
	require.Equal(h.t, "undefined", h.text("typeof globalThis.chrome?.runtime?.sendMessage"))
	for _, path := range []string{"/request.html", "/pair.html", "/offscreen.html", "/relay.js", "/manifest.json"} {
		require.Equal(h.t, "blocked", h.text(fmt.Sprintf("fetch(%q).then(() => 'read', () => 'blocked')", h.x.Origin+path)), path)
	}
	h.evil.Run(fmt.Sprintf(`
		const framed = await frame({ src: %q })
		framed.remove()`, h.x.Origin+"/request.html"))
	h.evil.RunInClick(fmt.Sprintf("globalThis.opened = open(%q, 'mine')", h.x.Origin+"/pair.html"))
	require.Equal(h.t, "undefined", h.x.InWindow("view"), "no page of the extension was loaded")
	h.evil.Run("opened?.close()")
	h.x.WaitForNoTarget("/request.html") // the frame with the browser's error has that address for a moment
	h.x.WaitForNoTarget("/pair.html")
}

// frames asks from frames. Each is the origin that the browser says, however deep it is and whatever is around it. One without an origin is
// refused, and one that has no document of a server gets no provider.
func (h *hostile) frames() {
	inner := func(outer, inside, script string) string {
		return h.text(fmt.Sprintf(`(async () => {
			const outer = await frame(%s)
			const said = await tell(outer, %q)
			outer.remove()
			return said
		})()`, outer, fmt.Sprintf("frame(%s).then((inside) => tell(inside, %q))", inside, script)))
	}
	src := func(origin string, more ...string) string {
		return fmt.Sprintf("{ src: %q, allow: 'usb *' %s }", origin+"/puppet", strings.Join(more, ""))
	}
	sign := "ask('personal_sign', ['0x00', '" + harness.FirstAddress + "'])"
	for _, c := range []struct{ outer, inside, script, want string }{
		{src(h.at[2]), src(h.at[1]), sign, "4100 invalid-argument"},
		{src(h.at[0]), src(h.at[1]), sign, "4100 invalid-argument"}, // in a frame of the site with the permission
		{src(h.at[0]), src(h.at[1]), "ask('eth_accounts')", "[]"},   //
		{src(h.at[2]), src(h.at[0]), "ask('eth_chainId')", `"0x1"`}, // that site itself, in a frame in a frame
		{src(h.at[2]), src(h.at[0]), "String(navigator.usb === undefined)", "false"},
		{src(h.at[2]), src(h.at[0], ", sandbox: 'allow-scripts'"), "ask('eth_requestAccounts')", "4100 permission-denied opaque-origin"},
		{src(h.at[0], ", sandbox: 'allow-scripts'"), src(h.at[0]), "ask('eth_requestAccounts')", "4100 permission-denied opaque-origin"},
		{src(h.at[0], ", sandbox: 'allow-scripts allow-popups allow-forms'"), src(h.at[1]), sign, "4100 permission-denied opaque-origin"},
	} {
		require.Equal(h.t, c.want, inner(c.outer, c.inside, c.script), "%+v", c)
	}
	// These have no address of a server.
	h.evil.Run("globalThis.puppet = await (await fetch('/puppet')).text()")
	for _, address := range []string{"'data:text/html,' + encodeURIComponent(puppet)", "URL.createObjectURL(new Blob([puppet], { type: 'text/html' }))"} {
		require.Equal(h.t, "no provider", h.text(fmt.Sprintf(`(async () => {
			const inside = await frame({ src: %s })
			const said = await tell(inside, "ask('eth_accounts')")
			inside.remove()
			return said
		})()`, address)), address)
	}
	h.evil.Run(`for (const attributes of [{}, { srcdoc: '<title>Empty</title>' }]) {
		const inside = await frame(attributes)
		inside.contentWindow.addEventListener('eip6963:announceProvider', () => (globalThis.announced = true))
		inside.contentWindow.dispatchEvent(new Event('eip6963:requestProvider'))
		inside.remove()
	}`)
	require.Equal(h.t, "undefined", h.text("typeof globalThis.announced"))
	require.Empty(h.t, h.x.Targets("/request.html"))
}

// polluted changes the objects of a frame before the provider's script runs there: the browser keeps the window of an empty frame when it
// loads a page of the same origin into it. The script's own messages may break. The wallet's side has objects of its own.
func (h *hostile) polluted() {
	require.Equal(h.t, "true true", h.text(fmt.Sprintf(`(async () => {
		const added = document.createElement('iframe')
		added.src = '/puppet'
		const loaded = new globalThis.Promise((go) => (added.onload = go))
		document.body.append(added)
		const window = added.contentWindow
		const { Object, Array, String, Map, Promise, JSON, CustomEvent } = window
		const seen = []
		for (const [name, value] of [['origin', %[1]q], ['yes', true], ['id', 1], ['method', 'eth_accounts'], ['accounts', [%[2]q]]]) Object.prototype[name] = value
		Array.prototype.toJSON = () => [%[2]q]
		Array.prototype.some = () => true
		Map.prototype.get = () => undefined
		Promise.prototype.then = new Proxy(Promise.prototype.then, {})
		const { stringify } = JSON
		JSON.stringify = (value) => (seen.push(value), stringify({ ...value, origin: %[1]q, yes: true }))
		window.CustomEvent = class extends CustomEvent {
			constructor(name, options) {
				seen.push(name)
				super(name, options)
			}
		}
		await loaded
		const kept = added.contentWindow.Object === Object
		const early = seen.includes('imkey-connect:provider')
		const said = await globalThis.Promise.race([tell(added, "ask('personal_sign', ['0x00', '%[2]s'])"), new globalThis.Promise((go) => setTimeout(go, 300, 'none'))])
		if (said !== 'none' && !/^(4100|-32)/.test(said)) return said
		added.remove()
		return kept + ' ' + early
	})()`, h.at[0], harness.FirstAddress)), "the window was kept, and the provider's script ran in it afterwards")
	require.Equal(h.t, "4100 []", h.text(`(async () => {
		const { code } = await ask(2001, 'personal_sign', ['0x00', '`+harness.FirstAddress+`'])
		const { result } = await ask(2002, 'eth_accounts')
		return code + ' ' + JSON.stringify(result)
	})()`))
	require.Empty(h.t, h.x.Targets("/request.html"))
}

// flood asks 10,000 times at once, and 1,000 times in a sample. The first 16 wait for the user, one at a time, and the others are refused.
func (h *hostile) flood() {
	h.open() // the ids of forged requests stand in the way of the provider's own
	n := 1000
	if os.Getenv("IMKEY_FULL") != "" {
		n = 10_000
	}
	wallet := h.x.Attach("/offscreen.html")
	before := wallet.HeapUsed()
	h.evil.Run(fmt.Sprintf(`
		globalThis.flooded = []
		for (let i = 0; i < %d; i++) {
			const asked = i %% 2 ? { method: 'eth_requestAccounts' } : { method: 'wallet_requestPermissions', params: [{ eth_accounts: {} }] }
			provider.request(asked).catch(({ code }) => flooded.push(code))
		}
		while (flooded.length < %d) await new Promise((go) => setTimeout(go, 20))
		await provider.request({ method: 'eth_chainId' })`, n, n-16))
	require.Equal(h.t, n-16, h.count("flooded.filter((code) => code === -32005).length"))
	// Another site's requests are taken all the same, and wait for their turn.
	r := h.own.Start("personal_sign", signNothing)
	h.x.Answer("reject-all")
	h.evil.Run(fmt.Sprintf("while (flooded.length < %d) await new Promise((go) => setTimeout(go, 20))", n))
	require.Equal(h.t, 16, h.count("flooded.filter((code) => code === 4001).length"))
	h.x.Answer("reject")
	r.Wait().RequireError(h.t, 4001, "user-rejected")
	h.x.WaitForNoTarget("/request.html")
	after := wallet.HeapUsed()
	require.Less(h.t, after-before, 4e6, "the memory is returned")
	h.t.Logf("%d requests: 16 waited, %d were refused; the wallet's heap went from %.1f to %.1f MB", n, n-16, before/1e6, after/1e6)
	wallet.Close()
}

// huge sends 50 MB in one message, and in as many as the protocol takes.
func (h *hostile) huge() {
	wallet := h.x.Attach("/offscreen.html")
	before := wallet.HeapUsed()
	h.evil.Run(`
		globalThis.long = 'x'.repeat(50 << 20)
		forge(long)
		forge({ type: 'request', id: 30_000, method: 'eth_chainId', params: [long] })`)
	h.evil.Request("personal_sign", "[long]").RequireError(h.t, -32602, "invalid-argument")
	h.evil.Run(`
		globalThis.long = 'x'.repeat(250_000)
		globalThis.first = got.length
		for (let id = 30_001; id <= 30_200; id++) forge({ type: 'request', id, method: 'personal_sign', params: ['0x00', '` + harness.FirstAddress + `', long] })
		await until(({ id }) => id === 30_200)
		await ask(30_201, 'eth_chainId')`)
	settled := h.count("new Set(got.slice(first).map(({ id }) => id)).size")
	busy, refused := h.count("got.slice(first).filter(({ code }) => code === -32005).length"), h.count("got.slice(first).filter(({ code }) => code === 4100).length")
	require.Equal(h.t, 201, settled)
	require.Equal(h.t, 200, busy+refused)
	after := wallet.HeapUsed()
	require.Less(h.t, after-before, 4e6, "the memory is returned")
	h.t.Logf("50 MB at once, and in 200 messages: %d were refused as too much, %d without a permission; the wallet's heap went from %.1f to %.1f MB", busy, refused, before/1e6, after/1e6)
	wallet.Close()
}

// lookAlike asks from a site whose name looks like that of a site with a permission: its о is Cyrillic. The screen shows the name as the
// browser writes it, the letter, and the other site. It has no permission, and neither has the same host at another port.
func (h *hostile) lookAlike() {
	shop := h.x.Site(h.at[2])
	require.Equal(h.t, []string{harness.FirstAddress}, h.x.Connect(shop))
	shop.Close()
	h.quiet = h.exchanges()
	d := h.x.Site(strings.Replace(h.at[2], "shop", "shоp", 1))
	host := harness.Eval[string](d.Browser, "location.host")
	require.Contains(h.t, host, "xn--")
	require.JSONEq(h.t, "[]", string(d.Request("eth_accounts", "[]").Value))
	r := d.Start("eth_requestAccounts", "[]")
	window := h.x.Attach("/request.html")
	window.WaitFor("[data-state=asking]")
	for _, text := range []string{host, "U+043E", strings.TrimPrefix(h.at[2], "http://")} {
		require.Contains(h.t, window.Text(), text)
	}
	window.Press("reject")
	r.Wait().RequireError(h.t, 4001, "user-rejected")
	d.Close()
}

// covered has the page open windows over the request window and take the focus. It has no way to that window. A headless browser gives each
// window the focus, so the test tells the request window that it lost its own. Its button does not act then, also if it acted before.
func (h *hostile) covered() {
	h.open()
	r := h.evil.Start("eth_requestAccounts", "[]")
	h.x.WaitForAnswer("accept")
	h.evil.RunInClick("globalThis.cover = open('/dapp-under-test', 'cover', 'popup,width=420,height=720,left=0,top=0')")
	h.evil.Run("cover.focus(); cover.moveTo(0, 0); cover.resizeTo(2000, 2000); blur(); focus(); for (let i = 0; i < 100; i++) postMessage('', '*')")
	require.Equal(h.t, "null 0", h.x.InWindow("view.opener + ' ' + view.length"))
	require.Len(h.t, h.x.Targets("/request.html"), 1)
	const press = `(view.document.querySelector('[data-action=accept]').click(), view.document.querySelector('[data-state]').dataset.state)`
	require.Equal(h.t, "false", h.x.InWindow(`(view.document.hasFocus = () => false, view.dispatchEvent(new view.Event('blur')),
		view.document.querySelector('[data-state=asking]').dataset.ready)`))
	require.Equal(h.t, "asking", h.x.InWindow(press))
	require.Equal(h.t, "false", h.x.InWindow(`(delete view.document.hasFocus, view.dispatchEvent(new view.Event('focus')),
		view.document.querySelector('[data-state=asking]').dataset.ready)`), "not at once")
	require.Equal(h.t, "asking", h.x.InWindow(press))
	h.x.WaitForAnswer("accept")
	h.evil.Run("cover.close()")
	h.x.Answer("reject")
	r.Wait().RequireError(h.t, 4001, "user-rejected")
}

// leaving navigates and closes pages whose request is open, on the screen and on the device.
func (h *hostile) leaving() {
	h.x.WaitForNoTarget("/request.html")
	h.evil.Start("eth_requestAccounts", "[]")
	h.x.WaitForAnswer("accept")
	h.evil.Do(chromedp.Navigate(h.at[2] + "/puppet"))
	h.x.WaitForNoTarget("/request.html")

	// A frame that is removed.
	h.open()
	h.evil.Run(fmt.Sprintf(`
		globalThis.inside = await frame({ src: %q })
		void tell(inside, "ask('eth_requestAccounts')")`, strings.Replace(h.at[2], "shop", "frame", 1)+"/puppet"))
	h.x.WaitForAnswer("accept")
	h.evil.Run("inside.remove()")
	h.x.WaitForNoTarget("/request.html")

	if os.Getenv("IMKEY_FULL") == "" {
		return // the kill tests have pages that leave while the device asks
	}
	r := h.own.Start("personal_sign", signNothing)
	h.x.Answer("accept")
	r.WaitForQuestion()
	h.own.Do(chromedp.Navigate(h.at[1] + "/puppet"))
	h.s.WaitUntilIdle()
	h.own = h.x.Site(h.at[0])
	h.quiet = h.exchanges()
}
