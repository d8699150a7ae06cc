package security

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web"
	"imkey-connect/web/e2e/harness"
)

// watchViolations runs before the scripts of each document. It keeps what the document reports of its own violations.
const watchViolations = `
	globalThis.violations = []
	addEventListener('securitypolicyviolation', event => violations.push(event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample))
	new ReportingObserver(reports => violations.push(...reports.map(report => report.type + ' ' + JSON.stringify(report.body))), {
		types: ['coep', 'coop', 'integrity-violation', 'permissions-policy-violation'], buffered: true,
	}).observe()`

// watcher counts the violations in the pages of a browser.
type watcher struct {
	*harness.Browser
	documents, inDocuments int // documents looked at, and the violations that they reported
}

func watch(b *harness.Browser) *watcher {
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchViolations})
		return err
	}))
	return &watcher{Browser: b}
}

// look requires that the document, the console and the reports have no violation yet.
func (w *watcher) look(where string) {
	w.T.Helper()
	w.documents++
	found := harness.Eval[[]string](w.Browser, "violations")
	w.inDocuments += len(found)
	require.Empty(w.T, found, where)
	require.Empty(w.T, w.Sim.Reports(), where)
	w.CheckConsole()
}

// plants are violations, each with the directive that forbids it.
var plants = []struct{ directive, script string }{
	{"require-trusted-types-for", "try { document.createElement('div').innerHTML = '<b>planted</b>' } catch {}"},
	{"require-trusted-types-for", "try { new Worker('/sim/webusb.js') } catch {}"},
	{"require-trusted-types-for", "try { document.createElement('script').src = '/planted.js' } catch {}"},
	{"trusted-types", "try { trustedTypes.createPolicy('planted', {}) } catch {}"},
	{"img-src", "new Image().src = 'http://planted.example/1.png'"},
	{"connect-src", "fetch('http://planted.example/').catch(() => {})"},
	{"require-trusted-types-for", "try { document.createElement('div').setAttribute('onclick', 'planted()') } catch {}"},
	{"frame-src", "document.body.append(Object.assign(document.createElement('iframe'), { src: 'http://planted.example/' }))"},
	{"style-src-attr", "document.body.setAttribute('style', 'color: red')"},
	{"base-uri", "{ const base = document.createElement('base'); base.href = 'http://planted.example/'; document.head.append(base) }"},
}

// plant makes each violation in the page and requires that the page and the reports show it.
func (w *watcher) plant(path string) (planted int) {
	w.T.Helper()
	for _, p := range plants {
		before, reported := harness.Eval[int](w.Browser, "violations.length"), len(w.Sim.Reports())
		w.Run(p.script + fmt.Sprintf("; while (violations.length <= %d) await new Promise(requestAnimationFrame)", before))
		require.True(w.T, harness.Eval[bool](w.Browser, fmt.Sprintf("violations.slice(%d).some(v => v.includes(%q))", before, p.directive)), "%s: %s", path, p.script)
		for len(w.Sim.Reports()) <= reported {
			w.Run("await new Promise(requestAnimationFrame)")
			require.NoError(w.T, w.Sim.Ctx.Err(), "%s: %s is not reported", path, p.script)
		}
		require.Contains(w.T, w.Sim.Reports()[reported], p.directive)
		planted++
	}
	w.Sim.ForgetReports()
	w.ForgetConsole()
	return planted
}

// TestPagesViolateNoPolicy reads the headers of every page and file in Chromium, walks through each page, and counts what the browser
// reports: events and reports of the documents, reports to the server (those of the worker, too), messages in the console. There
// are none. Then it plants violations in each page, and each is found.
func TestPagesViolateNoPolicy(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase, Approve: device.Yes})
	s.CollectReports()
	b := s.StartBrowser(harness.BrowserOptions{})
	b.ExposeDialog()
	w := watch(b)

	// The headers, as a page reads them.
	b.Open("/device")
	opener := map[string]string{"/dapp": "same-origin-allow-popups", "/connect": "unsafe-none"}
	for path, types := range map[string]string{
		"/": "default", "/connect": "default", "/device": "'none'", "/dapp": "'none'", "/imkey.js": "'none'", "/imkey-backup.js": "'none'", "/imkey.wasm": "'none'",
		"/manifest.json": "'none'", "/none": "'none'",
	} {
		got := harness.Eval[map[string]string](b, fmt.Sprintf("fetch(%q).then(answer => Object.fromEntries(answer.headers))", path))
		policy := got["content-security-policy"] + ";"
		require.Contains(t, policy, "require-trusted-types-for 'script'; trusted-types "+types+";", path)
		require.Contains(t, policy, "script-src 'self' 'wasm-unsafe-eval';", path)
		require.Equal(t, []string{cmp.Or(opener[path], "same-origin"), "same-origin", "require-corp"}, []string{
			got["cross-origin-opener-policy"], got["cross-origin-resource-policy"], got["cross-origin-embedder-policy"]}, path)
		if path == "/none" {
			b.ForgetConsole() // the browser reports the 404 there
		}
	}

	// The connect page: pair, reveal, export in the worker, import, rename, another language.
	b.Bind()
	b.UnfoldManagement()
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	b.Press("export")
	b.WaitForState("export")
	b.Fill("passphrase", "correct horse battery staple wagon")
	b.Fill("passphrase-again", "correct horse battery staple wagon")
	b.Run(`const { createObjectURL } = URL
		URL.createObjectURL = blob => { globalThis.exported = blob.arrayBuffer().then(b => btoa(String.fromCharCode(...new Uint8Array(b)))); return createObjectURL.call(URL, blob) }`)
	b.Press("export-now")
	b.WaitForState("exported")
	file := harness.Eval[string](b, "exported")
	require.True(t, harness.Eval[bool](b, "performance.getEntriesByType('resource').some(e => e.name.endsWith('/imkey-backup.js'))"), "in a worker")
	require.True(t, harness.Eval[bool](b, "crossOriginIsolated"))
	w.look("the connect page that bound and exported")
	b.Open("/")
	b.WaitForKnownBound()
	b.Press("import")
	b.WaitForState("import")
	b.Run(fmt.Sprintf(`
		const files = new DataTransfer()
		files.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], 'binding.age'))
		const chooser = document.querySelector('[data-control=file]')
		chooser.files = files.files
		chooser.dispatchEvent(new Event('change'))`, file))
	b.WaitForState("import-passphrase")
	b.Fill("passphrase", "correct horse battery staple wagon")
	b.Press("import-now")
	b.WaitForState("import-exists")
	b.Press("replace-now")
	b.WaitForState("known")
	b.Press("rename")
	b.WaitForState("rename")
	b.Press("back")
	w.look("the connect page that imported")
	b.OpenInLanguage("zh", "/")
	w.look("the connect page in Chinese")
	b.OpenInLanguage("en", "/")
	planted := w.plant("/")

	// The device page: buttons, menu, settings, trace.
	b.HoldDevice()
	harness.Hand[any](b, "press('down')")
	harness.Hand[any](b, "press('cancel')")
	b.Run("for (const panel of document.querySelectorAll('details')) panel.open = true; await new Promise(requestAnimationFrame)")
	require.NotEmpty(t, harness.Eval[string](b, "document.body.innerText"))
	w.look("the device page")
	planted += w.plant("/device")

	// The demonstration dApp: account, message, typed data, transaction by a node on another origin.
	node := harness.NewFakeNode(t)
	node.Answer("eth_chainId", "0x7a69")
	b.Open("/dapp")
	b.WaitFor("[data-action=connect]")
	b.Run(fmt.Sprintf("document.querySelector('[data-tab=chain]').click(); node.value = %q", node.URL))
	b.Press("use-node")
	b.WaitForText("dapp.nodeIs", map[string]string{"en": b.Words("dapp.localChain")})
	b.Press("connect")
	good := func() {
		b.WaitUntil("document.querySelector('[data-action=give-up]') === null && document.querySelector('[data-outcome=good]') !== null")
	}
	good()
	for tab, action := range map[string]string{"message": "sign-message", "typed-data": "sign-typed-data", "transaction": "send-transaction"} {
		b.Run(fmt.Sprintf("document.querySelector('[data-tab=%s]').click()", tab))
		b.Run("for (const old of document.querySelectorAll('[data-outcome]')) delete old.dataset.outcome")
		b.Press(action)
		good()
	}
	require.Len(t, node.TakeSent(), 1)
	w.look("the demonstration")
	planted += w.plant("/dapp")

	// A page that does not exist.
	b.Open("/none")
	b.ForgetConsole()
	w.look("no page")
	t.Logf("%d documents with %d violations; %d of %d planted violations found", w.documents, w.inDocuments, planted, 3*len(plants))
	require.Equal(t, 3*len(plants), planted)
}

// TestFilesForOtherOrigins checks what a site of another origin can load. A module script is requested with CORS, so a server
// that allows it serves the SDK to other origins, pages with Cross-Origin-Embedder-Policy among them. Requests without CORS are
// refused.
func TestFilesForOtherOrigins(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	files := web.Handler(web.Dist)
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(cdn.Close)
	without := httptest.NewServer(files)
	t.Cleanup(without.Close)
	for _, isolated := range []bool{false, true} {
		path := fmt.Sprintf("/site-%v", isolated)
		s.Handle(path, func(w http.ResponseWriter, r *http.Request) {
			if isolated {
				w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
				w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
			}
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>site</title><body>")
		})
	}
	b := s.StartBrowser(harness.BrowserOptions{})
	for _, isolated := range []bool{false, true} {
		b.Open(fmt.Sprintf("/site-%v", isolated))
		require.Equal(t, isolated, harness.Eval[bool](b, "crossOriginIsolated"))
		require.Equal(t, "unbound", harness.Eval[string](b, fmt.Sprintf(`(async () => {
			const { loadImKey } = await import('%s/imkey.js')
			const [device] = await (await loadImKey({ trustedCAs: [%q] })).getDevices()
			await device.open()
			const status = await device.bindingStatus()
			await device.close()
			return status
		})()`, cdn.URL, s.Device.CA())))
		refused := harness.Eval[[]string](b, fmt.Sprintf(`(async () => {
			const at = %q, outcomes = []
			const tried = async (what, promise) => outcomes.push(what + ' ' + await promise.then(() => 'loaded', () => 'refused'))
			const element = (name, attributes) => new Promise((resolve, reject) => {
				const one = Object.assign(document.createElement(name), attributes)
				one.onload = resolve
				one.onerror = reject
				document.body.append(one)
			})
			await tried('module', import(at + '/imkey.js'))
			await tried('script', element('script', { src: at + '/imkey.js' }))
			await tried('no-cors', fetch(at + '/imkey.wasm', { mode: 'no-cors' }))
			return outcomes
		})()`, without.URL))
		require.Equal(t, []string{"module refused", "script refused", "no-cors refused"}, refused)
	}
}

// TestSDKUnderTheStrictestPolicy uses all of the SDK on a site that allows no policy of Trusted Types at all, and on one that
// allows the worker by a default policy. Both can do everything. The first makes one violation, since the browser does not say in
// advance that it refuses the worker: exports and imports then run in the page.
func TestSDKUnderTheStrictestPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		types, prepare string
		violations     []string
		worker         bool
	}{
		"no policy": {"'none'", "", []string{"require-trusted-types-for trusted-types-sink Worker constructor|"}, false},
		"default": {"default", "trustedTypes.createPolicy('default', { createScriptURL: url => url === location.origin + '/imkey-backup.js' ? url : null })",
			[]string{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase, Approve: device.Yes})
			node := harness.NewFakeNode(t)
			s.Handle("/strict", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
				w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
				w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' "+node.URL+
					"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types "+c.types)
				_, _ = io.WriteString(w, "<!doctype html><title>site</title><body>")
			})
			b := s.StartBrowser(harness.BrowserOptions{})
			b.ExposeDialog()
			w := watch(b)
			b.Open("/strict")
			b.Run(fmt.Sprintf(`%s
				const { createProvider, loadImKey } = await import('/imkey.js')
				const trustedCAs = [%q]
				globalThis.provider = createProvider({ chains: [{ chainId: %d, rpcUrls: [%q] }], trustedCAs })
				globalThis.imkey = await loadImKey({ trustedCAs })
				globalThis.accounts = provider.request({ method: 'eth_requestAccounts' })`, c.prepare, s.Device.CA(), harness.FakeChain, node.URL))
			b.BindInDialog(s.Device.Code())
			require.Equal(t, []string{harness.DemoAddress}, harness.Eval[[]string](b, "accounts"))
			require.Regexp(t, "^0x[0-9a-f]{130}$", harness.Eval[string](b, "accounts.then(([from]) => provider.request({ method: 'personal_sign', params: ['0x48', from] }))"))
			require.Regexp(t, "^0x[0-9a-f]{64}$", harness.Eval[string](b, fmt.Sprintf(
				"accounts.then(([from]) => provider.request({ method: 'eth_sendTransaction', params: [{ from, to: %q, value: '0x1' }] }))", harness.DemoAddress)))
			require.Empty(t, harness.Eval[[]string](b, "violations"))
			w.CheckConsole()

			file := harness.Eval[string](b, `(async () => {
				const [{ seid }] = await imkey.knownDevices()
				const file = await imkey.exportBinding(seid, 'correct horse battery staple wagon')
				await imkey.importBinding(file, 'correct horse battery staple wagon', { replace: true })
				return btoa(String.fromCharCode(...file))
			})()`)
			require.NotEmpty(t, file)
			require.Equal(t, c.worker, harness.Eval[bool](b, "performance.getEntriesByType('resource').some(e => e.name.endsWith('/imkey-backup.js'))"))
			found := harness.Eval[[]string](b, "[...new Set(violations)]")
			for i := range found {
				found[i], _, _ = strings.Cut(found[i], "http")
			}
			require.Equal(t, c.violations, found)
		})
	}
}
