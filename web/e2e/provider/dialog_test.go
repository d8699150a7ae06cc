package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// hostileSite is a site whose policy allows no style, whose own style sheet hides everything, and which listens to every key.
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

// serveHostile serves the site.
func serveHostile(s *harness.Sim) {
	s.Handle("/hostile", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'")
		fmt.Fprint(w, hostileSite)
	})
	s.Handle("/hostile.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, hostileScript)
	})
}

// askForAccounts opens the site, whose provider asks for the accounts of the unbound device while a button has the focus.
func askForAccounts(b *harness.Browser) {
	b.T.Helper()
	b.Open("/hostile")
	b.WaitUntil("globalThis.heard !== undefined")
	b.Run(fmt.Sprintf(`
		const { createProvider } = await import('/imkey.js')
		const { simulatedUSB } = await import('/sim/webusb.js')
		const provider = createProvider({ chains: [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }], usb: simulatedUSB(), trustedCAs: [%q] })
		document.querySelector('#pay').focus()
		globalThis.outcome = null
		provider.request({ method: 'eth_requestAccounts' }).then(
			accounts => { outcome = accounts.join() }, error => { outcome = error.code + ' ' + error.data?.code })`, b.Sim.Device.CA()))
}

// outcome waits until the request of askForAccounts ends, and returns the accounts or the codes of the error.
func outcome(b *harness.Browser) string {
	b.T.Helper()
	b.Run("while (outcome === null) await new Promise(requestAnimationFrame)")
	return harness.Eval[string](b, "outcome")
}

// TestDialogOnAHostileSite opens the dialog on a site with a strict policy, hostile style sheets, and listeners for every key.
// The dialog names the site and stands above it, and the site sees nothing of what is typed.
func TestDialogOnAHostileSite(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	serveHostile(s)
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.ExposeDialog()
	askForAccounts(b)
	b.WaitForDialog("recognised")

	// The dialog names the site and stands above it, and the site's style does not apply to it.
	host := strings.TrimPrefix(s.URL, "http://")
	require.Equal(t, host+b.Words("dialog.wants.after"), harness.Eval[string](b, "dialog().querySelector('#asking').textContent"))
	require.Contains(t, harness.Eval[string](b, "dialog().querySelector('.asking').innerText"), b.Words("dialog.trust"))
	require.Nil(t, harness.Eval[any](b, "document.querySelector('imkey-pairing').shadowRoot"))
	require.True(t, harness.Eval[bool](b, "dialog().querySelector('dialog').matches(':modal')"))
	require.Equal(t, "48px", harness.Eval[string](b, "getComputedStyle(dialog().querySelector('.button-primary')).minHeight"), "the size is the user's and not the site's")
	require.Equal(t, "16px", harness.Eval[string](b, "getComputedStyle(dialog().querySelector('.lead').parentElement).fontSize"))
	require.NotContains(t, harness.Eval[string](b, "getComputedStyle(dialog().querySelector('h1')).color"), "255, 0, 0")
	require.Equal(t, "visible", harness.Eval[string](b, "getComputedStyle(dialog().querySelector('h1')).visibility"))
	// Escape closes the dialog: the user rejected, and the focus returns.
	b.Do(chromedp.KeyEvent("\x1b"))
	require.Equal(t, "4001 user-rejected", outcome(b))
	require.True(t, harness.Eval[bool](b, "document.querySelector('imkey-pairing') === null && document.activeElement.id === 'pay'"))

	// The binding with the keyboard alone, with one wrong code.
	askForAccounts(b)
	b.WaitForDialog("recognised")
	b.Run("heard.length = 0")
	b.Do(chromedp.KeyEvent("\r"))
	b.WaitForDialog("code")
	code := s.Device.Code()
	b.EnterCode(harness.WrongCode(code))
	b.WaitForDialog("wrong")
	b.EnterCode(code)
	b.WaitForDialog("bound")
	require.Equal(t, host+b.Words("dialog.has.after"), harness.Eval[string](b, "dialog().querySelector('.asking').innerText.trim()"), "the dialog no longer asks")
	for _, where := range []string{"document.documentElement.outerHTML", "dialog().querySelector('dialog').outerHTML", "location.href + JSON.stringify({ ...localStorage })"} {
		require.NotContains(t, harness.Eval[string](b, where), code)
	}
	require.Empty(t, harness.Eval[[]string](b, "heard"), "the site sees no event of the dialog")
	b.Run("dialog().querySelector('[data-action=done]').click()")
	require.Equal(t, harness.DemoAddress, outcome(b))
	require.True(t, harness.Eval[bool](b, "document.querySelector('imkey-pairing') === null && document.activeElement.id === 'pay'"))
	b.CheckConsole()
}

// TestDialogTakenOutOfThePage has the site replace its content while the dialog is open, in the ways of Turbo, htmx and others. Each request
// is rejected as if the user had closed the dialog, the device is free again, and the next request opens the dialog anew.
func TestDialogTakenOutOfThePage(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	s.ServeDapp()
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.ExposeDialog()
	b.Open("/dapp-under-test")
	b.Run(fmt.Sprintf(`
		const sdk = await import('/imkey.js')
		const { simulatedUSB } = await import('/sim/webusb.js')
		const options = { usb: simulatedUSB(), trustedCAs: [%q] }
		const provider = sdk.createProvider({ chains: [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }], ...options })
		Object.assign(globalThis, {
			host: () => document.querySelector('imkey-pairing'),
			ask: () => {
				globalThis.outcome = null
				provider.request({ method: 'eth_requestAccounts' }).then(
					accounts => { outcome = accounts.join() }, error => { outcome = error.code + ' ' + error.data?.code })
			},
			// Another instance of the SDK can open the device only if the provider has released it.
			free: async () => {
				const [device] = await (await sdk.loadImKey(options)).getDevices()
				await device.open()
				await device.close()
				return true
			},
			listeners: 0,
		})
		// Each listener of the dialog on the window is removed with its signal.
		const { addEventListener } = window
		window.addEventListener = function (name, listener, more) {
			if (more?.signal) { listeners++; more.signal.addEventListener('abort', () => listeners--) }
			return addEventListener.call(this ?? window, name, listener, more)
		}`, s.Device.CA()))
	b.Run("await free()")
	before := harness.Eval[int](b, "listeners") // those of the SDK's instance
	for _, remove := range []string{
		"host().remove()",
		"document.body.innerHTML = ''",
		"document.body.replaceChildren(document.createElement('main'))",
		"document.body.replaceWith(document.createElement('body'))", // as Turbo does
		"document.documentElement.replaceChild(document.createElement('body'), document.body)",
		"document.documentElement.remove(); document.append(document.createElement('html')); document.documentElement.append(document.createElement('body'))",
		"document.replaceChildren(); document.append(document.createElement('html')); document.documentElement.append(document.createElement('body'))",
		"document.body.prepend(host())",                // a removal and an insertion, after which the dialog is not modal
		"document.createElement('div').append(host())", // to a tree that is not shown
		"document.createDocumentFragment().append(host())",
		"new Document().append(host())",
		"globalThis.kept = host(); kept.remove(); setTimeout(() => document.documentElement.append(kept))",
		"document.open(); document.write('<!doctype html><body>other'); document.close()",
	} {
		b.Run("ask()")
		b.WaitForDialog("recognised")
		b.Run(remove)
		require.Equal(t, "4001 user-rejected", outcome(b), remove)
		require.True(t, harness.Eval[bool](b, "free()"), remove)
		require.Equal(t, before, harness.Eval[int](b, "listeners"), remove)
		b.Run("globalThis.kept?.remove()")
	}

	// While the device shows its code.
	b.Run("ask()")
	b.WaitForDialog("recognised")
	b.Do(chromedp.KeyEvent("\r"))
	b.WaitForDialog("code")
	code := s.Device.Code()
	b.Run("document.body.replaceChildren()")
	require.Equal(t, "4001 user-rejected", outcome(b))
	require.True(t, harness.Eval[bool](b, "free()"))

	// Other changes of the page leave the dialog alone.
	b.Run("ask()")
	b.WaitForDialog("recognised")
	b.Run("document.body.prepend(document.createElement('main')); document.querySelector('main').remove(); document.title = 'other'")
	b.Run("if (Element.prototype.moveBefore) document.body.moveBefore(host(), document.body.firstChild)")
	b.Run("await new Promise(requestAnimationFrame)")
	require.True(t, harness.Eval[bool](b, "outcome === null && dialog().querySelector('dialog').matches(':modal')"))
	b.Do(chromedp.KeyEvent("\r"))
	b.WaitForDialog("code")
	b.EnterCode(code)
	b.WaitForDialog("bound")
	b.Run("document.body.innerHTML = ''")
	require.Equal(t, harness.DemoAddress, outcome(b), "the device is bound, so the request goes on")
	require.True(t, harness.Eval[bool](b, "free()"))
}

// TestFrameOfTheDialogRemoved removes a frame while the dialog is open in it. The device is free for the page around it.
func TestFrameOfTheDialogRemoved(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	s.ServeDapp()
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.ExposeDialog()
	b.Open("/dapp-under-test")
	b.Run(fmt.Sprintf(`
		const options = "{ usb: simulatedUSB(), trustedCAs: ['%s'] }"
		const frame = document.createElement('iframe')
		frame.src = location.href
		await new Promise((loaded) => { frame.onload = loaded; document.body.append(frame) })
		const script = frame.contentDocument.createElement('script')
		script.type = 'module'
		script.textContent = "import { createProvider } from '/imkey.js'; import { simulatedUSB } from '/sim/webusb.js';" +
			"createProvider({ chains: [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }], ..." + options + " }).request({ method: 'eth_requestAccounts' })"
		frame.contentDocument.body.append(script)
		globalThis.frame = frame`, s.Device.CA()))
	b.Run("while (!frame.contentWindow.dialog()?.querySelector('[data-state=recognised]')) await new Promise(requestAnimationFrame)")
	b.Run("frame.remove()")
	b.Run(fmt.Sprintf(`
		const { loadImKey } = await import('/imkey.js')
		const { simulatedUSB } = await import('/sim/webusb.js')
		const [device] = await (await loadImKey({ usb: simulatedUSB(), trustedCAs: [%q] })).getDevices()
		await device.open()
		await device.close()`, s.Device.CA()))
}
