package harness

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// ExtensionFolder is the folder of the extension, which make extension builds.
func ExtensionFolder(t testing.TB) string {
	t.Helper()
	folder := RepoPath("build/extension")
	_, err := os.Stat(filepath.Join(folder, "manifest.json"))
	require.NoError(t, err, "run make extension first")
	return folder
}

// ExtensionID returns the id of the extension in a folder, which follows from the key in its manifest: the first 16 bytes of the
// key's SHA-256, with the letters a to p as digits.
func ExtensionID(t testing.TB, folder string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	require.NoError(t, err)
	var manifest struct{ Key string }
	require.NoError(t, json.Unmarshal(data, &manifest))
	key, err := base64.StdEncoding.DecodeString(manifest.Key)
	require.NoError(t, err)
	id := make([]byte, 0, 32)
	for _, b := range sha256.Sum256(key) {
		if len(id) < 32 {
			id = append(id, 'a'+b>>4, 'a'+b&15)
		}
	}
	return string(id)
}

// Extension is a browser with the extension loaded. The extension may use the devices, and no page may.
type Extension struct {
	*Browser
	Origin string

	views *Browser // a page of the extension
}

// StartExtension starts a browser with the extension of [ExtensionFolder], or with the one in a folder.
func (s *Sim) StartExtension(o BrowserOptions, folder ...string) *Extension {
	s.T.Helper()
	if folder == nil {
		folder = []string{ExtensionFolder(s.T)}
	}
	origins := make([]string, len(folder))
	for i, f := range folder {
		origins[i] = "chrome-extension://" + ExtensionID(s.T, f)
	}
	if o.Origins == nil {
		o.Origins = origins
	}
	o.Args = append([]string{"--load-extension=" + strings.Join(folder, ",")}, o.Args...)
	x := &Extension{Browser: s.StartBrowser(o), Origin: origins[0]}
	x.views = x.OpenPage("/help.html")
	return x
}

// Copy returns another extension of the same browser, which is the one in a folder.
func (x *Extension) Copy(folder string) *Extension {
	other := &Extension{Browser: x.Browser, Origin: "chrome-extension://" + ExtensionID(x.T, folder)}
	other.views = other.OpenPage("/help.html")
	return other
}

// Targets returns the targets of the extension whose address has a prefix after the origin, such as "/worker.js".
func (x *Extension) Targets(path string) []*target.Info {
	x.T.Helper()
	all, err := chromedp.Targets(x.Ctx)
	require.NoError(x.T, err)
	var found []*target.Info
	for _, one := range all {
		if strings.HasPrefix(one.URL, x.Origin+path) {
			found = append(found, one)
		}
	}
	return found
}

// WaitForTarget waits until the extension has a target whose address has the prefix after the origin.
func (x *Extension) WaitForTarget(path string) *target.Info {
	x.T.Helper()
	for {
		if found := x.Targets(path); len(found) > 0 {
			return found[0]
		}
		select {
		case <-x.Ctx.Done():
			require.Fail(x.T, "the extension has no target "+path)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// WaitForNoTarget waits until the extension has no target whose address has the prefix after the origin.
func (x *Extension) WaitForNoTarget(path string) {
	x.T.Helper()
	for len(x.Targets(path)) > 0 {
		select {
		case <-x.Ctx.Done():
			require.Fail(x.T, "the extension still has a target "+path)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Attach takes control of a page that the extension opened: a tab, a window, the offscreen document or the worker.
func (x *Extension) Attach(path string) *Browser {
	x.T.Helper()
	info := x.WaitForTarget(path)
	// Before a page has a title, it is still another document, in another process.
	for info.Title == "" || strings.Contains(info.Title, "/") || strings.HasPrefix(info.Title, "about:") {
		time.Sleep(20 * time.Millisecond)
		info = x.WaitForTarget(path)
	}
	other := &Browser{T: x.T, Sim: x.Sim, url: x.url, language: x.language, Profile: x.Profile, crashed: make(chan struct{})}
	other.Ctx, other.Close = chromedp.NewContext(x.Ctx, chromedp.WithTargetID(info.TargetID), chromedp.WithDetachOnCancel(), chromedp.WithListener(other.listen))
	x.T.Cleanup(other.Close)
	// A page that the extension opened waits for a debugger when one attaches.
	other.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, runtime.RunIfWaitingForDebugger, cdp.Empty{})
		return err
	}))
	return other
}

// CloseEnded closes the windows that say how a request failed, and waits until no request window is open.
func (x *Extension) CloseEnded() {
	x.T.Helper()
	for len(x.Targets("/request.html")) > 0 {
		Eval[bool](x.views, `(() => {
			for (const view of chrome.extension.getViews()) {
				if (view.location.pathname !== '/request.html') continue
				const button = view.document.querySelector('[data-state=failed] [data-action=close]')
				if (button) setTimeout(() => button.click())
			}
			return true
		})()`)
		select {
		case <-x.Ctx.Done():
			require.Fail(x.T, "a request window stays open")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// WaitForDevices waits until the browser lists n devices that the extension may use. It notices a plug a moment after the device does, and
// a request that comes before fails at once.
func (x *Extension) WaitForDevices(n int) {
	x.T.Helper()
	x.views.T = x.T
	x.views.WaitForDevices(n)
}

// OpenPage opens a page of the extension in a new tab.
func (x *Extension) OpenPage(path string) *Browser {
	x.T.Helper()
	b := x.NewTab()
	b.Do(chromedp.Navigate(x.Origin + path))
	return b
}

// CloseTarget closes a target of the extension: a window, the offscreen document, or the worker, which it stops. It waits until that one is
// gone, except for the worker: one that is started again at once is the same target. The extension may have started another one by then.
func (x *Extension) CloseTarget(path string) {
	x.T.Helper()
	info := x.WaitForTarget(path)
	id := info.TargetID
	_, err := cdp.Call(x.Ctx, chromedp.FromContext(x.Ctx).Browser, target.CloseTarget, target.CloseTargetParams{TargetID: id})
	require.NoError(x.T, err)
	for info.Type != "service_worker" && slices.ContainsFunc(x.Targets(path), func(one *target.Info) bool { return one.TargetID == id }) {
		select {
		case <-x.Ctx.Done():
			require.Fail(x.T, "the extension still has the target "+path)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Reload makes the browser load the extension again, as after an update, and waits until its worker has started the offscreen document.
// An extension that is not from a store is loaded again only in the browser's developer mode.
func (x *Extension) Reload() {
	x.T.Helper()
	settings := x.NewTab()
	settings.Do(chromedp.Navigate("chrome://extensions"))
	settings.Run("await chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true })")
	settings.Close()
	before := x.WaitForTarget("/offscreen.html").TargetID
	x.views.Run("setTimeout(() => chrome.runtime.reload())")
	x.views.Close()
	for x.WaitForTarget("/offscreen.html").TargetID == before {
		time.Sleep(20 * time.Millisecond)
	}
	x.views = x.OpenPage("/help.html")
}

// WaitForAnswer waits until the button of the request window acts: accept, reject or cancel.
func (x *Extension) WaitForAnswer(action string) {
	x.T.Helper()
	x.answer(action, "true")
}

// InWindow gives the text of a JavaScript expression about the request window, which is view there. No debugger is attached to the window.
func (x *Extension) InWindow(expression string) string {
	x.T.Helper()
	return Eval[string](x.views, fmt.Sprintf(
		"(async (view) => String(%s))(chrome.extension.getViews().find(({ location }) => location.pathname === '/request.html'))", expression))
}

// Answer waits until the button of the request window acts, and presses it: accept, reject or cancel. It does so from another page of the
// extension, which sees the window's document, so that no debugger is attached to the window.
func (x *Extension) Answer(action string) {
	x.T.Helper()
	x.answer(action, "setTimeout(() => button.click())")
}

func (x *Extension) answer(action, do string) {
	x.T.Helper()
	state := "asking][data-ready=true"
	if action == "cancel" {
		state = "device"
	}
	// It gives what the windows show, and whether their user sees them, where there is no such button.
	press := fmt.Sprintf(`(() => {
		const views = chrome.extension.getViews()
		for (const view of views) {
			const button = view.location.pathname === '/request.html' && view.document.querySelector('[data-state=%s] [data-action=%s]')
			if (button && (%s)) return ''
		}
		return views.map(({ location, document, innerWidth, innerHeight }) => [
			location.pathname + location.hash, document.visibilityState, document.hasFocus() ? 'focused' : 'not focused',
			innerWidth + '×' + innerHeight, document.querySelector('[data-state]')?.outerHTML.split('>')[0], document.body?.innerText.slice(0, 200),
		].join(' | ')).join('\n')
	})()`, state, action, do)
	for {
		shown := Eval[string](x.views, press)
		if shown == "" {
			return
		}
		select {
		case <-x.Ctx.Done():
			require.Fail(x.T, "the request window has no button "+action, "%s", shown)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// SayYes says yes to every request that the extension shows, also if the screen warns, until the function that it returns is called.
func (x *Extension) SayYes() (stop func()) {
	ctx, cancel := context.WithCancel(x.views.Ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		say := fmt.Sprintf(`(() => {
			for (const view of chrome.extension.getViews()) if (view.location.pathname === '/request.html') %s
			return true
		})()`, SayYes("view.document"))
		for {
			_, _ = chromedp.Run(ctx, chromedp.Evaluate[bool](say)) // a window may close meanwhile
			select {
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// SayYes is JavaScript that says yes to a request that a document shows, if its button acts, and accepts what its screen warns of.
func SayYes(document string) string {
	return fmt.Sprintf(`setTimeout(() => {
		const asking = %s.querySelector('[data-state=asking]')
		asking?.querySelector('[data-control=override]:not(:checked)')?.click()
		asking?.querySelector(':scope[data-ready=true] [data-action=accept]')?.click()
	})`, document)
}

// Site opens a page with the extension's provider on an origin, which the simulator serves. The page is that of [Sim.ServeDapp].
func (x *Extension) Site(origin string) *Dapp {
	x.T.Helper()
	d := &Dapp{Browser: x.NewTab()}
	d.Do(chromedp.Navigate(origin + "/dapp-under-test"))
	d.Discover()
	return d
}

// Discover finds the extension's provider by EIP-6963 and prepares the page as [Dapp.Load] does.
func (d *Dapp) Discover() {
	d.T.Helper()
	d.Run(fmt.Sprintf(`
		const providers = []
		addEventListener('eip6963:announceProvider', ({ detail }) => providers.push(detail))
		dispatchEvent(new Event('eip6963:requestProvider'))
		if (providers.length === 0) throw Error('no provider is announced')
		providers.sort((a, b) => a.info.rdns.length - b.info.rdns.length)
		const [{ provider, info }] = providers
		%s
		Object.assign(globalThis, { provider, providers, info, events, outcome, event, pending: {}, controllers: {} })`, dappTools))
}

// GoToCode goes through the page that binds to the boxes for the code, whether the device is new, reset or bound elsewhere. It accepts the
// simulator's device, which no built-in CA verifies.
func (x *Extension) GoToCode(tab *Browser) {
	x.T.Helper()
	tab.Press("connect")
	const state = "document.querySelector('[data-state]').dataset.state"
	for before := "start"; ; {
		tab.WaitUntil(fmt.Sprintf("![%q, 'choosing', 'opening'].includes(%s)", before, state))
		before = Eval[string](tab, state)
		switch before {
		case "code":
			return
		case "unverified":
			tab.Run("document.querySelector('[data-control=accept]').click()")
		case "recognised", "elsewhere", "rebound", "reset":
		default:
			require.Fail(x.T, "the page shows "+before, tab.Text())
		}
		tab.Press("go-on")
	}
}

// Bind goes through that tab and types the code on the device's screen. It returns the code.
func (x *Extension) Bind(tab *Browser) string {
	x.T.Helper()
	x.GoToCode(tab)
	code := x.Sim.Device.Code()
	tab.EnterCode(code)
	tab.WaitForState("bound")
	return code
}

// Connect makes a request for the accounts of a site whose device is bound already, and says yes.
func (x *Extension) Connect(d *Dapp) []string {
	x.T.Helper()
	r := d.Start("eth_requestAccounts", "[]")
	x.Answer("accept")
	return r.Accounts()
}

// BoundSite opens a site, which asks for the accounts first, and binds the device in the tab that opens then.
func (x *Extension) BoundSite(origin string) (d *Dapp, code string) {
	x.T.Helper()
	d = x.Site(origin)
	r := d.Start("eth_requestAccounts", "[]")
	x.Answer("accept")
	tab := x.Attach("/pair.html")
	code = x.Bind(tab)
	tab.Press("done")
	require.Len(x.T, r.Accounts(), 1)
	x.WaitForNoTarget("/pair.html")
	return d, code
}

// Accounts waits until a request for the accounts ends and returns them.
func (r Request) Accounts() []string {
	r.d.T.Helper()
	o := r.Wait()
	require.Zero(r.d.T, o.Code, "%+v", o)
	var all []string
	require.NoError(r.d.T, json.Unmarshal(o.Value, &all))
	return all
}

// Sign makes a site sign a message, which the user confirms on the screen and on the device, and returns the signature.
func (x *Extension) Sign(d *Dapp, message string) string {
	x.T.Helper()
	r := d.Start("personal_sign", fmt.Sprintf("[%q, %q]", "0x"+hex.EncodeToString([]byte(message)), FirstAddress))
	x.Answer("accept")
	r.WaitForQuestion()
	x.Sim.Device.Press(device.OK)
	signature := r.Wait().Text(x.T)
	require.Equal(x.T, strings.ToLower(FirstAddress), Signer(x.T, PersonalDigest(message), signature))
	return signature
}
