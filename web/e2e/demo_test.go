package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// The words that every wallet's tests know, and their first address.
const (
	demoPhrase  = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	demoAddress = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
)

// watchDialog lets the test look into the dialog, which is closed to the page.
func (b *browser) watchDialog() {
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			const attach = Element.prototype.attachShadow
			const roots = new WeakMap()
			Element.prototype.attachShadow = function (options) {
				const root = attach.call(this, options)
				roots.set(this, root)
				return root
			}
			globalThis.dialog = () => roots.get(document.querySelector('imkey-pairing'))`})
		return err
	}))
}

// dialogShows waits for a state of the dialog.
func (b *browser) dialogShows(state string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`
		const until = performance.now() + %d
		while (!dialog()?.querySelector('[data-state=%q]')) {
			if (performance.now() > until) throw new Error('the dialog shows: ' + dialog()?.textContent)
			await new Promise(requestAnimationFrame)
		}`, patience.Milliseconds()/2, state))
}

// A site whose policy allows no style, whose own rules are of the worst, and which listens to every key.
const hostileSite = `<!doctype html><title>site</title><script type="module" src="/hostile.js"></script><button id="pay">Pay</button>`

const hostileScript = `
	const rules = new CSSStyleSheet()
	rules.replaceSync('html { font-size: 4px } * { display: none !important; color: red !important; visibility: hidden } ' +
		'html, body, #pay { display: block !important; visibility: visible }')
	document.adoptedStyleSheets.push(rules)
	globalThis.heard = []
	for (const name of ['keydown', 'keyup', 'input', 'beforeinput', 'paste', 'click', 'focusin']) {
		document.addEventListener(name, event => heard.push(name + ' ' + (event.key ?? event.data ?? '')))
	}`

func (s *sim) hostile() {
	s.routes.HandleFunc("/hostile", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'")
		fmt.Fprint(w, hostileSite)
	})
	s.routes.HandleFunc("/hostile.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, hostileScript)
	})
}

// asking opens the site and has its provider ask for the accounts of the unbound device, from a button with the focus.
func (b *browser) asking() {
	b.t.Helper()
	b.open("/hostile")
	b.until("globalThis.heard !== undefined")
	b.run(fmt.Sprintf(`
		const { createProvider } = await import('/imkey.js')
		const { simulatedUSB } = await import('/sim/webusb.js')
		const provider = createProvider({ chains: [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }], usb: simulatedUSB(), trustedCAs: [%q] })
		document.querySelector('#pay').focus()
		globalThis.outcome = null
		provider.request({ method: 'eth_requestAccounts' }).then(
			accounts => { outcome = accounts.join() }, error => { outcome = error.code + ' ' + error.data?.code })`, b.sim.device.Status().CA))
}

func (b *browser) outcome() string {
	b.t.Helper()
	b.run("while (outcome === null) await new Promise(requestAnimationFrame)")
	return eval[string](b, "outcome")
}

func TestTheDialogStandsOnAnySite(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Mnemonic: demoPhrase})
	s.hostile()
	b := s.browse(browserOptions{unplugged: true})
	b.watchDialog()
	b.asking()
	b.dialogShows("recognised")

	// It names the site, lies above it, and nothing of the site's reaches in.
	require.Regexp(t, `^127\.0\.0\.1:\d+ wants to bind your imKey$`, eval[string](b, "dialog().querySelector('#asking').textContent"))
	require.Contains(t, eval[string](b, "dialog().querySelector('.asking').innerText"), "only if you trust this site")
	require.Nil(t, eval[any](b, "document.querySelector('imkey-pairing').shadowRoot"))
	require.True(t, eval[bool](b, "dialog().querySelector('dialog').matches(':modal')"))
	require.Equal(t, "48px", eval[string](b, "getComputedStyle(dialog().querySelector('.button-primary')).minHeight"), "of the person's size and not the site's")
	require.Equal(t, "16px", eval[string](b, "getComputedStyle(dialog().querySelector('.lead').parentElement).fontSize"))
	require.NotContains(t, eval[string](b, "getComputedStyle(dialog().querySelector('h1')).color"), "255, 0, 0")
	require.Equal(t, "visible", eval[string](b, "getComputedStyle(dialog().querySelector('h1')).visibility"))
	// Escape is a way out: the person declined, and the focus is where it was.
	b.do(chromedp.KeyEvent("\x1b"))
	require.Equal(t, "4001 user-rejected", b.outcome())
	require.True(t, eval[bool](b, "document.querySelector('imkey-pairing') === null && document.activeElement.id === 'pay'"))

	// By the keyboard alone to the end, with one wrong code on the way.
	b.asking()
	b.dialogShows("recognised")
	b.run("heard.length = 0")
	b.do(chromedp.KeyEvent("\r"))
	b.dialogShows("code")
	code := s.code()
	b.typeCode(wrong(code))
	b.dialogShows("wrong")
	b.typeCode(code)
	b.dialogShows("bound")
	require.Regexp(t, `^127\.0\.0\.1:\d+ is bound to your imKey$`, eval[string](b, "dialog().querySelector('.asking').innerText.trim()"), "nothing is wanted any more")
	for _, where := range []string{"document.documentElement.outerHTML", "dialog().querySelector('dialog').outerHTML", "location.href + JSON.stringify({ ...localStorage })"} {
		require.NotContains(t, eval[string](b, where), code)
	}
	require.Empty(t, eval[[]string](b, "heard"), "the site's shortcuts heard what was typed into the dialog")
	b.run("dialog().querySelector('[data-action=done]').click()")
	require.Equal(t, demoAddress, b.outcome())
	require.True(t, eval[bool](b, "document.querySelector('imkey-pairing') === null && document.activeElement.id === 'pay'"))
	b.quietly()
}

// All that the demonstration shows, looked at on every kind of screen, from the first press on.
func TestTheDemonstration(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Mnemonic: demoPhrase})
	b := s.browse(browserOptions{unplugged: true})
	b.watchDialog()
	b.open("/dapp")
	var all looks
	for _, language := range []string{"en", "zh"} {
		b.speaks(language, "/dapp")
		b.wait("[data-action=connect-simulated]")
		b.ready()
		look := func(what string) {
			for _, screen := range screens {
				b.screen(screen.width, screen.scheme, screen.reduced)
				b.run(fmt.Sprintf("looking.add(%q, %v)", fmt.Sprintf("%s, %s: %s", screen, language, what), screen.reduced))
			}
		}
		tab := func(name string) { b.run(fmt.Sprintf("document.querySelector('[data-tab=%s]').click()", name)) }
		asked := func() {
			b.until("document.querySelector('.unit-knob[data-button=ok]:enabled') !== null")
		}
		answered := func(outcome string) {
			b.until(fmt.Sprintf("document.querySelector('[data-action=give-up]') === null && document.querySelector('[data-outcome=%q]') !== null", outcome))
		}
		look("start")
		b.press("sign-message")
		look("without an account")

		b.press("connect-simulated")
		if language == "en" { // the second time the device is bound
			b.dialogShows("recognised")
			b.do(chromedp.KeyEvent("\r"))
			b.dialogShows("code")
			b.typeCode(s.code())
			b.dialogShows("bound")
			b.run("dialog().querySelector('[data-action=done]').click()")
		}
		b.wait(fmt.Sprintf("[data-account=%q]", demoAddress))
		look("connected")

		b.press("sign-message")
		asked()
		b.until("document.querySelector('.unit-screen').textContent.startsWith('Sign message:')")
		look("asked about a message")
		b.run("document.querySelector('.unit-knob[data-button=ok]').click()")
		answered("good")
		require.Regexp(t, `^"0x[0-9a-f]{130}"$`, eval[string](b, "document.querySelector('[data-answer]').textContent"))
		b.run("document.querySelector('.earlier').open = true")
		look("signed, and what was before")
		b.run("document.querySelector('.earlier').open = false")

		tab("typed-data")
		b.run("document.querySelector('#permit-all').click()")
		b.press("sign-typed-data")
		asked()
		b.until("document.querySelector('.unit-screen').textContent.startsWith('Sign blindly:')")
		b.until("document.querySelectorAll('.note-warning').length === 2") // no limit, and blind
		look("asked about a permit without limit")
		b.run("document.querySelector('.unit-knob[data-button=cancel]').click()")
		answered("4001")
		require.Equal(t, 1, eval[int](b, "document.querySelectorAll('.note-warning').length"), "what was not signed needs no warning of signing it")
		look("declined")

		tab("transaction")
		for _, kind := range []string{"tokens", "approve", "unknown", "coins"} {
			b.run(fmt.Sprintf("kind.value = %q; kind.dispatchEvent(new Event('change'))", kind))
			look("a transaction, " + kind)
		}
		b.run("amount.value = 'much'")
		b.press("send-transaction")
		b.until("document.querySelector('.message-error').textContent !== ''")
		look("a wrong amount")

		tab("chain")
		b.run("chain.value = '1'")
		b.press("switch-chain")
		b.wait("[data-chain='1']")
		look("another chain")
		b.run("node.value = 'http://example.org'")
		b.press("use-node")
		b.until("document.querySelector('.message-error').textContent !== ''")
		look("no node of this computer's")
		all.add(b.looked())
	}
	b.quietly()
	all.report(t)
}

// What stands in the demonstration's way is said in words of its own: no node to ask, no wallet to sign with.
func TestTheDemonstrationWithoutANode(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Mnemonic: demoPhrase, Approve: device.Yes})
	b := s.browse(browserOptions{unplugged: true})
	b.watchDialog()
	b.open("/dapp")
	node := httptest.NewServer(http.NotFoundHandler())
	node.Close() // and nobody listens there any more
	b.wait("[data-action=connect-simulated]")
	// The page asks a node which chain it is on before it takes it: this one goes away after that.
	b.run(fmt.Sprintf(`
		const { fetch } = globalThis
		globalThis.fetch = (url, init) => String(url).startsWith(%[1]q)
			? Promise.resolve(Response.json({ jsonrpc: '2.0', id: 1, result: '0x7a69' })) : fetch(url, init)
		document.querySelector('[data-tab=chain]').click()
		node.value = %[1]q
		document.querySelector('[data-action=use-node]').click()
		while (!document.querySelector('.column').innerText.includes('in use now')) await new Promise(requestAnimationFrame)
		globalThis.fetch = fetch`, node.URL))
	b.press("connect-simulated")
	b.dialogShows("recognised")
	b.do(chromedp.KeyEvent("\r"))
	b.dialogShows("code")
	b.typeCode(s.code())
	b.dialogShows("bound")
	b.run("dialog().querySelector('[data-action=done]').click()")
	b.wait(fmt.Sprintf("[data-account=%q]", demoAddress))

	b.run("document.querySelector('[data-tab=transaction]').click()")
	b.press("send-transaction")
	b.until("document.querySelector('[data-outcome=\"-32603\"]') !== null")
	said := b.text()
	require.Contains(t, said, "No node answers at "+node.URL)
	require.Contains(t, said, "npx @foundry-rs/anvil")
	require.Contains(t, said, "node-unreachable")
	require.NotContains(t, said, "timeout")

	require.NoError(t, s.device.Reset())
	b.run("document.querySelector('[data-tab=message]').click()")
	b.press("sign-message")
	b.dialogShows("reset") // the device forgot its binding, too
	b.run("dialog().querySelector('[data-action=go-on]').click()")
	b.dialogShows("code")
	b.typeCode(s.code())
	b.dialogShows("bound")
	b.run("dialog().querySelector('[data-action=done]').click()")
	b.until("document.querySelector('[data-action=give-up]') === null && document.querySelector('[data-outcome=\"-32603\"]') !== null")
	said = b.text()
	require.Contains(t, said, "Your imKey holds no wallet yet.")
	require.Contains(t, said, "its wallet on its own page")
}

// A request that was cut off is over, and is said to be: nothing is sent again by itself.
func TestTheDemonstrationIsUnpluggedWhileItAsks(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Mnemonic: demoPhrase})
	b := s.browse(browserOptions{})
	b.bind()
	b.open("/dapp")
	b.press("connect")
	b.until("document.querySelector('[data-outcome=good]') !== null")
	b.run("[...document.querySelectorAll('button')].find(x => x.innerText === 'Sign the message').click()")
	s.is(func(s device.Status) bool { return s.Asking })
	require.NoError(t, s.device.Unplug())
	b.until("document.body.innerText.includes('Nothing was signed. Plug it in and send the request again.')")
	b.until("document.querySelector('.unit-unplugged') !== null")
	require.NoError(t, s.device.Plug())
	b.until("document.querySelector('.unit-unplugged') === null")
}
