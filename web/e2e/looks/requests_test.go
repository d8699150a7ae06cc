package looks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// requestBundle compiles the request screens and the lists of sites into a script that defines requests. The shells that show them
// have tests of their own.
var requestBundle = sync.OnceValues(func() (string, error) {
	const script = `
		import { mountRequest } from './request/screen'
		import { mountSites } from './sites/sites'
		import request from './request/request.css?text'
		import sites from './sites/sites.css?text'
		const sheet = new CSSStyleSheet()
		sheet.replaceSync(request + sites)
		document.adoptedStyleSheets.push(sheet)
		document.querySelector('.banner-slot').remove()
		const main = document.querySelector('main')
		let view = { close() {} }
		export const heard = []
		export function fresh(language) {
			view.close()
			main.replaceChildren()
			view = mountRequest(main, {
				language,
				onAnswer: (answer) => heard.push(answer),
				onCancel: (id) => heard.push('cancel ' + id),
				onClose: () => heard.push('close'),
				onChoose: () => heard.push('choose'),
			})
		}
		export function lists(language) {
			view.close()
			main.replaceChildren()
			view = mountSites(main, { language, onRevoke: (origin) => heard.push('revoke ' + origin), onErase: (origin) => heard.push(origin === undefined ? 'erase' : 'erase ' + origin) })
		}
		export const show = (...state) => view.show(...state)
		export const speak = (language) => view.speak(language)`
	built := api.Build(api.BuildOptions{
		Stdin:  &api.StdinOptions{Contents: script, ResolveDir: harness.RepoPath("web/ui"), Loader: api.LoaderTS},
		Bundle: true, Format: api.FormatIIFE, GlobalName: "requests", Target: api.ES2022,
		Plugins: []api.Plugin{{Name: "css", Setup: func(build api.PluginBuild) {
			build.OnResolve(api.OnResolveOptions{Filter: `\.css\?text$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
				return api.OnResolveResult{Path: filepath.Join(a.ResolveDir, strings.TrimSuffix(a.Path, "?text")), Namespace: "css"}, nil
			})
			build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "css"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
				text, err := os.ReadFile(a.Path)
				content := string(text)
				return api.OnLoadResult{Contents: &content, Loader: api.LoaderText}, err
			})
		}}},
	})
	if len(built.Errors) > 0 {
		return "", fmt.Errorf("bundling the request screens: %s", built.Errors[0].Text)
	}
	return string(built.OutputFiles[0].Contents) + "; globalThis.requests = requests; void 0", nil
})

// requestScreens opens a page with the request screens in place of its own content.
func requestScreens(b *harness.Browser, language string) {
	b.T.Helper()
	script, err := requestBundle()
	require.NoError(b.T, err)
	b.OpenInLanguage(language, "/")
	_, err = chromedp.Run(b.Ctx, chromedp.Evaluate[chromedp.Void](script))
	require.NoError(b.T, err)
	b.Run(fmt.Sprintf("requests.fresh(%q)", language))
}

// reviews returns the states in which a request screen asks the user, by name.
func reviews(t *testing.T) map[string]fields {
	t.Helper()
	source, err := os.ReadFile(harness.RepoPath("web/ui/request/testdata/reviews.json"))
	require.NoError(t, err)
	var all map[string]fields
	require.NoError(t, json.Unmarshal(source, &all))
	for _, state := range all {
		state["name"] = "asking"
	}
	return all
}

// requestStates returns states of a request screen: all of them with every, otherwise some of each kind.
func requestStates(t *testing.T, every bool) []fields {
	t.Helper()
	all := reviews(t)
	states := []fields{{"name": "idle"}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch name {
		case "accounts", "accounts, look-alike", "approval, unlimited", "calls", "typed data", "sign-in, another site":
			states = append(states, all[name])
		default:
			if every {
				states = append(states, all[name])
			}
		}
	}
	with := func(name, review string, more fields) {
		state := fields{"name": name, "review": all[review]["review"]}
		maps.Copy(state, more)
		states = append(states, state)
	}
	with("sending", "transfer", fields{"sent": 0.4})
	with("sending", "message", nil)
	with("device", "transfer", nil)
	with("device", "calls", fields{"step": fields{"number": 2, "of": 2}})
	with("device", "calls", nil)
	with("device", "Permit", nil)
	for _, name := range []string{"locked", "cancelling", "withdrawn", "done", "rejected", "chosen"} {
		with(name, "transfer", nil)
	}
	with("failed", "transfer", fields{"code": "device-disconnected"})
	return states
}

// someSites is what the lists of sites show.
func someSites() fields {
	const own = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b"
	permission := func(origin string) fields {
		return fields{"origin": origin, "since": 1767322445000, "used": 1767722445000, "chainId": 1, "chainName": "Ethereum", "accounts": []fields{{"address": own, "path": "m/44'/60'/0'/0/0"}}}
	}
	activity := []fields{
		{"at": 1767722445000, "origin": "https://app.uniswap.org", "kind": "transaction", "account": own, "chainId": 1, "payment": "1.5 ETH", "receiver": own, "hash": "0x" + strings.Repeat("ab", 32)},
		{"at": 1767722445000, "origin": "https://app.uniswap.org", "kind": "typed-data", "account": own, "domain": "Permit2"},
		{"at": 1767722445000, "origin": "https://opensea.io", "kind": "message", "account": own, "domain": "opensea.io"},
		{"at": 1767722445000, "origin": "https://opensea.io", "kind": "calls", "account": own, "chainId": 10},
	}
	for range 8 {
		activity = append(activity, fields{"at": 0, "origin": "https://xn--unswp-7ve7x.org", "kind": "message", "account": own})
	}
	return fields{
		"permissions": []fields{permission("https://app.uniswap.org"), permission("http://localhost:5173"), permission("https://" + strings.Repeat("very-long-name.", 12) + "github.io")},
		"activity":    activity, "open": []string{"https://app.uniswap.org"},
	}
}

// TestRequestLooks measures the request screens and the lists of sites, in both languages.
func TestRequestLooks(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	var all harness.Looks
	for _, language := range []string{"en", "zh"} {
		requestScreens(b, language)
		b.PrepareLook()
		for i, screen := range harness.SampleScreens(language) {
			b.SetScreen(screen.Width, screen.Scheme, screen.Reduced)
			b.Run(fmt.Sprintf("const screen = %q, reduced = %v, language = %q, states = %s, sites = %s\n%s", screen.String()+", "+language, screen.Reduced, language,
				text(t, requestStates(t, i == 0 || os.Getenv("IMKEY_FULL") != "")), text(t, someSites()), `
				for (const state of states) {
					requests.fresh(language)
					requests.show(state)
					const where = screen + ': ' + JSON.stringify(state).slice(0, 300)
					looking.add(where, reduced)
					const folded = [...document.querySelectorAll('details')]
					for (const one of folded) one.open = true
					document.querySelector('[data-ready]')?.querySelector('[data-action=accept]').setAttribute('aria-disabled', 'false')
					if (folded.length > 0) {
						await new Promise(requestAnimationFrame)
						looking.add(where + ' unfolded', reduced)
					}
				}
				requests.lists(language)
				requests.show({ permissions: [], activity: [], open: [] })
				looking.add(screen + ': no sites', reduced)
				requests.show(sites)
				looking.add(screen + ': sites', reduced)
				requests.show(sites, { revoke: sites.permissions[1].origin })
				looking.add(screen + ': sites, revoking', reduced)
				requests.show(sites, { erase: true })
				looking.add(screen + ': sites, erasing', reduced)
				requests.show(sites, { erase: sites.permissions[0].origin })
				looking.add(screen + ': sites, erasing one', reduced)`))
		}
		all.Add(b.Looked())
	}
	all.Report(t)
	b.CheckConsole("/sim/v1/")
}

func text(t *testing.T, value any) string {
	t.Helper()
	j, err := json.Marshal(value)
	require.NoError(t, err)
	return string(j)
}

// TestRequestsForScreenReaders checks that every state has one heading, that every control has a name, and what is announced.
func TestRequestsForScreenReaders(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	requestScreens(b, "en")
	for _, state := range requestStates(t, false) {
		b.Run("requests.fresh('en'); requests.show(" + text(t, state) + ")")
		everyControlIsNamed(b, text(t, state))
	}
	live := func(how string) string {
		return harness.Eval[string](b, fmt.Sprintf("document.querySelector('[data-live=%s]').textContent", how))
	}
	all := reviews(t)
	b.Run("requests.fresh('en'); requests.show(" + text(t, all["transfer"]) + ")")
	require.Equal(t, "uniswap.org. Send 1.5 ETH to 0x3535…3535", live("polite"))
	b.Run("requests.fresh('en'); requests.show(" + text(t, all["approval, unlimited"]) + ")")
	require.Contains(t, live("assertive"), "Let 0xCD2a…D826 spend all your USDC. Without limit")
	b.Run("requests.lists('en'); requests.show(" + text(t, someSites()) + ")")
	everyControlIsNamed(b, "sites")
}

// mouse presses, releases or moves the mouse at the middle of an element.
func mouse(b *harness.Browser, selector string, kind input.DispatchMouseEventType, clicks int64) {
	b.T.Helper()
	at := harness.Eval[struct{ X, Y float64 }](b, fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2 } })()`, selector))
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: clicks})
		return err
	}))
}

const (
	down = input.DispatchMouseEventTypeMousePressed
	up   = input.DispatchMouseEventTypeMouseReleased
)

// click presses and releases the mouse at an element. clicks is 2 for the second click of a double click.
func click(b *harness.Browser, selector string, clicks int64) {
	b.T.Helper()
	mouse(b, selector, down, clicks)
	mouse(b, selector, up, clicks)
}

// key presses or releases Enter.
func key(b *harness.Browser, kind input.DispatchKeyEventType, repeat bool) {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		p := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, AutoRepeat: &repeat}
		if kind == input.DispatchKeyEventTypeKeyDown {
			p.Text = "\r"
		}
		_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, p)
		return err
	}))
}

const (
	accept = "[data-action=accept]"
	ready  = "document.querySelector('[data-ready=true]') !== null"
)

// TestRequestsTakeADeliberatePress presses the button of a request in every way that the user did not mean.
func TestRequestsTakeADeliberatePress(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	requestScreens(b, "en")
	all := reviews(t)
	answers := func() string { return harness.Eval[string](b, "JSON.stringify(requests.heard.splice(0))") }
	show := func(name string) { b.Run("requests.fresh('en'); requests.show(" + text(t, all[name]) + ")") }
	id := func(name string) string { return all[name]["review"].(fields)["id"].(string) }
	yes := func(name string) string { return fmt.Sprintf(`[{"id":%q,"yes":true}]`, id(name)) }

	// At once, and with a double click that began too early.
	show("transfer")
	click(b, accept, 1)
	require.Equal(t, "[]", answers())
	b.WaitUntil(ready)
	click(b, accept, 2)
	require.Equal(t, "[]", answers(), "the second click of a double click")
	click(b, accept, 1)
	require.Equal(t, yes("transfer"), answers())
	click(b, accept, 1)
	require.Equal(t, "[]", answers(), "one answer for each request")

	// The pointer goes down before, and up after.
	show("token")
	mouse(b, accept, down, 1)
	b.WaitUntil(ready)
	mouse(b, accept, up, 1)
	require.Equal(t, "[]", answers())

	// A device that could not be reached can be chosen again. Any other failure offers nothing.
	for code, want := range map[string]string{"device-disconnected": `["choose"]`, "no-device": `["choose"]`, "permission-denied": `["choose"]`, "rejected": "[]"} {
		b.Run(fmt.Sprintf("requests.fresh('en'); requests.show({ name: 'failed', review: { id: '1' }, code: %q }); document.querySelector('[data-action=choose]')?.click()", code))
		require.Equal(t, want, answers(), code)
	}

	// A key that is held down.
	show("approval")
	b.Run("document.querySelector('" + accept + "').focus()")
	key(b, input.DispatchKeyEventTypeKeyDown, false)
	b.WaitUntil(ready)
	for range 3 {
		key(b, input.DispatchKeyEventTypeKeyDown, true)
	}
	key(b, input.DispatchKeyEventTypeKeyUp, false)
	require.Equal(t, "[]", answers())
	key(b, input.DispatchKeyEventTypeKeyDown, false)
	key(b, input.DispatchKeyEventTypeKeyUp, false)
	require.Equal(t, yes("approval"), answers())

	// Another tab or window in front. A browser without windows shows every tab, so that the page is told what a window would tell it.
	for _, away := range []struct{ leave, back string }{
		{"Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true }); document.dispatchEvent(new Event('visibilitychange'))",
			"delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))"},
		{"document.hasFocus = () => false; dispatchEvent(new Event('blur'))", "delete document.hasFocus; dispatchEvent(new Event('focus'))"},
	} {
		show("NFT")
		b.WaitUntil(ready)
		b.Run(away.leave)
		require.False(t, harness.Eval[bool](b, ready))
		b.Run("document.querySelector('" + accept + "').click()")
		b.Run(away.back)
		require.False(t, harness.Eval[bool](b, ready), "half a second begins again")
		require.Equal(t, "[]", answers())
		b.WaitUntil(ready)
	}
	// Without an event, the button asks itself.
	b.Run("document.hasFocus = () => false; document.querySelector('" + accept + "').click(); delete document.hasFocus")
	require.Equal(t, "[]", answers())

	// Something over the button, and an effect that hides it.
	for _, style := range []string{"position: fixed; inset: 0; background: white", "position: fixed; inset: 0; background: transparent"} {
		show("rollup")
		b.WaitUntil(ready)
		b.Run(fmt.Sprintf("document.body.append(Object.assign(document.createElement('div'), { id: 'over' })); const rules = new CSSStyleSheet(); rules.replaceSync('#over { %s }'); document.adoptedStyleSheets.push(rules)", style))
		b.WaitUntil("!(" + ready + ")")
		b.Run("document.querySelector('" + accept + "').click(); document.adoptedStyleSheets.pop(); document.querySelector('#over').remove()")
		require.Equal(t, "[]", answers(), style)
		b.WaitUntil(ready)
	}
	b.Run("const rules = new CSSStyleSheet(); rules.replaceSync('.request { opacity: 0.1 }'); document.adoptedStyleSheets.push(rules)")
	b.WaitUntil("!(" + ready + ")")
	b.Run("document.adoptedStyleSheets.pop()")
	b.CheckConsole("/sim/v1/")
}

// TestRequestsByKeyboard checks the order of the keyboard, and that a second request waits.
func TestRequestsByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	requestScreens(b, "en")
	all := reviews(t)
	answers := func() string { return harness.Eval[string](b, "JSON.stringify(requests.heard.splice(0))") }
	id := func(name string) string { return all[name]["review"].(fields)["id"].(string) }
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run("requests.fresh('en'); requests.show(" + text(t, all[name]) + ")")
		b.Type(kb.Tab)
		first := "reject"
		if name == "calls, status" { // nothing is decided there
			first = "accept"
		}
		require.Equal(t, first, harness.Eval[string](b, "document.activeElement.dataset.action"), name)
	}
	b.Run("requests.fresh('en'); requests.show(" + text(t, all["typed data"]) + ")")
	b.Type(kb.Tab)
	b.Type(kb.Enter)
	require.Equal(t, fmt.Sprintf(`[{"id":%q,"yes":false}]`, id("typed data")), answers())

	// A second request waits, also while the user reads how the first one ended.
	b.Run("requests.fresh('en'); requests.show(" + text(t, all["transfer"]) + "); requests.show(" + text(t, all["approval, unlimited"]) + ")")
	sentence := func() string { return harness.Eval[string](b, "document.querySelector('h1').textContent") }
	require.Equal(t, "Send 1.5 ETH to 0x3535…3535", sentence())
	require.Contains(t, b.Text(), "3 more waiting, from opensea.io, app.uniswap.org, app.aave.com")
	b.Run("requests.show({ name: 'withdrawn', review: " + text(t, all["transfer"]["review"]) + " })")
	b.RequireText("request.withdrawnTitle")
	b.RequireText("request.next")
	b.Run("requests.show(" + text(t, all["token"]) + ")")
	b.RequireText("request.withdrawnTitle")
	b.Type(kb.Tab + kb.Enter)
	require.Equal(t, "Send 1,234.56789 USDC to 0x3535…3535", sentence(), "the one that waits now")
	require.Equal(t, "[]", answers())
	b.Run("requests.speak('zh')")
	require.Contains(t, sentence(), "发送")
	b.Run("requests.speak('en')")

	// The choice of accounts, and the override of a sign-in.
	b.Run("requests.fresh('en'); requests.show(" + text(t, all["accounts"]) + ")")
	b.WaitUntil(ready)
	b.TabTo("[data-control=account-1]")
	b.Type(" ")
	b.TabBackTo(accept)
	b.Type(kb.Enter)
	b.RequireText("request.accountsNone")
	b.WaitForFocus("[data-control=account-1]")
	b.TabTo("[data-control=account-2]")
	b.Type(" ")
	b.TabBackTo(accept)
	b.Type(kb.Enter)
	require.Equal(t, fmt.Sprintf(`[{"id":%q,"yes":true,"accounts":[1]}]`, id("accounts")), answers())
	b.Run("requests.fresh('en'); requests.show(" + text(t, all["sign-in, another site"]) + ")")
	b.WaitUntil(ready)
	b.TabTo(accept)
	b.Type(kb.Enter)
	b.RequireText("request.overrideFirst")
	b.WaitForFocus("[data-control=override]")
	b.Type(" ")
	b.TabBackTo(accept)
	b.Type(kb.Enter)
	require.Equal(t, fmt.Sprintf(`[{"id":%q,"yes":true,"override":true}]`, id("sign-in, another site")), answers())

	// While the device asks, there is a way back.
	b.Run("requests.show({ name: 'device', review: " + text(t, all["sign-in, another site"]["review"]) + " })")
	b.Type(kb.Tab + kb.Enter)
	require.Equal(t, fmt.Sprintf(`["cancel %s"]`, id("sign-in, another site")), answers())

	// Of several calls, the screen shows the one that the device asks about, or none.
	calls := all["calls"]["review"].(fields)
	second := calls["what"].(fields)["calls"].([]any)[1].(fields)["description"].(fields)["screen"].(fields)
	for _, c := range []struct {
		screen any
		shown  string
	}{{second, second["payment"].(string)}, {nil, "OK / cancel"}, {fields{"payment": "x", "receiver": "y", "fee": "z"}, "OK / cancel"}} {
		b.Run("requests.fresh('en'); requests.show({ name: 'device', review: " + text(t, calls) + ", screen: " + text(t, c.screen) + " ?? undefined })")
		require.Contains(t, harness.Eval[string](b, "document.querySelector('.request-screen').textContent"), c.shown)
	}

	// The lists of sites ask twice.
	b.Run("requests.lists('en'); requests.show(" + text(t, someSites()) + ")")
	b.PressEnterOn("[data-action=revoke]")
	b.WaitForFocus("[data-action=keep]")
	require.Equal(t, "[]", answers())
	b.Type(kb.Tab + kb.Enter)
	require.Equal(t, `["revoke https://app.uniswap.org"]`, answers())
	b.PressEnterOn("[data-action=erase]")
	b.WaitForFocus("[data-action=keep]")
	b.Type(kb.Tab + kb.Enter)
	require.Equal(t, `["erase"]`, answers())
	// What one site had signed is erased at its card, or at its newest entry if it has no permission.
	for _, origin := range []string{"https://app.uniswap.org", "https://opensea.io"} {
		b.PressEnterOn("[data-origin='" + origin + "'] [data-action=erase-site]")
		b.WaitForFocus("[data-origin='" + origin + "'] [data-action=keep]")
		require.Equal(t, "[]", answers())
		b.Type(kb.Enter)
		b.WaitForFocus("[data-origin='" + origin + "'] [data-action=erase-site]")
		require.Equal(t, "[]", answers())
		b.Type(kb.Enter)
		b.WaitForFocus("[data-action=keep]")
		b.Type(kb.Tab + kb.Enter)
		require.Equal(t, `["erase `+origin+`"]`, answers())
	}
	b.CheckConsole("/sim/v1/")
}

// TestEveryStateOfARequestIsListed checks that requestStates contains every name of ui/request/state.ts.
func TestEveryStateOfARequestIsListed(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(harness.RepoPath("web/ui/request/state.ts"))
	require.NoError(t, err)
	shown := map[string]bool{}
	for _, state := range requestStates(t, false) {
		shown[state["name"].(string)] = true
	}
	for _, line := range strings.Split(string(source), "name: '")[1:] {
		name, _, _ := strings.Cut(line, "'")
		require.True(t, shown[name], name)
	}
	require.Greater(t, len(shown), 9)
}
