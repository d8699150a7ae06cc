package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/chromium/devtools"
	"imkey-connect/devicesim/simtest"
)

// Browser is a page in a Chromium, with what the browser reported about the page. [Browser.NewTab] makes another one.
type Browser struct {
	T       *testing.T      // the test, or the subtest that runs now
	Sim     *Sim            // the simulator whose pages it shows
	Ctx     context.Context // of the page, for chromedp
	Profile string          // the folder of the browser's profile; "" if the browser is shared
	Close   func()          // closes the browser, or the tab

	url      string        // the origin that Open goes to
	language string        // the language of the pages
	crashed  chan struct{} // closed when the page's process has ended
	killed   atomic.Bool   // Kill ended it

	mu      sync.Mutex
	events  []byte // every event of console, log and network, as lines of JSON
	console []byte // those of console and log
	heap    []byte // the snapshot of the heap, see HeapStrings
}

// BrowserOptions are the options of [Sim.StartBrowser]. The zero value is a new headless Chromium with the simulator's devices
// plugged in, which the simulator's pages may use.
type BrowserOptions struct {
	Profile      string            // the folder of the profile; "" is a new one that is removed after the test
	Headful      bool              // opens windows on a display
	Unplugged    bool              // without any USB device, for a simulated device over a WebSocket
	Bus          Bus               // how the devices reach the browser; "" is Preload
	Permitted    []*simtest.Device // the devices that pages may use; nil is all
	Origins      []string          // the origins whose pages may use them; nil is the simulator's
	NoPermission bool              // no page may use a device
	Args         []string          // more arguments of Chromium
}

// switches are those of every Chromium of the tests. Animations cost a machine without a graphics card a tenth of its time. Tests that
// look at them turn them on.
var switches = []string{"--lang=en-US", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"}

// StartBrowser starts a browser, or a context of the one that [Main] shares. It closes with the test, or earlier by Close.
func (s *Sim) StartBrowser(o BrowserOptions) *Browser {
	t := s.T
	if o.shareable() {
		b := control(s.Ctx, t, sharedChromium(t), s.URL, func() {}, chromedp.WithNewBrowserContext())
		b.Sim = s
		return b
	}
	if o.Profile == "" {
		o.Profile = t.TempDir()
	}
	args := slices.Concat(switches, o.Args)
	options := chromium.Options{Profile: o.Profile, Headful: o.Headful, Devices: s.replacement, Args: args}
	permitted := o.Permitted
	if permitted == nil {
		permitted = s.Devices
	}
	origins := o.Origins
	if origins == nil {
		origins = []string{s.URL}
	}
	for _, origin := range origins {
		for _, device := range permitted {
			options.Permissions = append(options.Permissions, chromium.Permission{Origin: origin, Serial: device.Serial()})
		}
	}
	if o.Unplugged || o.Bus == WebSocket {
		options.Devices = s.Plugs() // none
	}
	if o.Bus == Kernel {
		options.Devices = s.Plugs() // none by preloading
		s.attach()
		s.asUser(&options)
	}
	if o.Unplugged || o.NoPermission {
		options.Permissions = []chromium.Permission{}
	}
	b := ControlBrowser(s.Ctx, t, s.Launch(options), s.URL)
	b.Sim, b.Profile = s, o.Profile
	return b
}

// ControlBrowser opens a page in a running Chromium; url is the origin that Open goes to. Both close with the test, or earlier
// by Close.
func ControlBrowser(ctx context.Context, t *testing.T, running *chromium.Browser, url string) *Browser {
	return control(ctx, t, running, url, func() { running.Close() })
}

// control opens a page in a running Chromium. end runs when the page has closed.
func control(ctx context.Context, t *testing.T, running *chromium.Browser, url string, end func(), options ...chromedp.ContextOption) *Browser {
	root, detach := remote.NewAllocator(ctx, running.DevToolsURL, remote.WithDialTimeout(Timeout))
	b := &Browser{T: t, url: url, language: "en", crashed: make(chan struct{})}
	ctx, stop := chromedp.NewContext(root, append(options, chromedp.WithListener(b.listen))...)
	b.Ctx = ctx
	b.Close = sync.OnceFunc(func() {
		stop()
		detach()
		end()
	})
	t.Cleanup(b.Close)
	b.Do(
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
			return err
		}))
	return b
}

// listen records an event of the page.
func (b *Browser) listen(event any) {
	console := false
	switch event := event.(type) {
	case *heapprofiler.EventAddHeapSnapshotChunk:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.heap = append(b.heap, event.Chunk...)
		return
	case *inspector.EventTargetCrashed:
		close(b.crashed) // a page crashes once
		return
	case *runtime.EventConsoleAPICalled, *runtime.EventExceptionThrown, *log.EventEntryAdded:
		console = true
	case *network.EventRequestWillBeSent, *network.EventRequestWillBeSentExtraInfo, *network.EventWebSocketCreated,
		*network.EventWebSocketFrameSent, *network.EventWebSocketWillSendHandshakeRequest:
	default:
		return
	}
	j, err := json.Marshal(event)
	if err != nil {
		j = fmt.Appendf(nil, "%+v", event)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(append(b.events, j...), '\n')
	if console {
		b.console = append(append(b.console, j...), '\n')
	}
}

// Recorded returns every event of console, log and network so far, as lines of JSON.
func (b *Browser) Recorded() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.events)
}

// Console returns every message of console and log so far, as lines of JSON.
func (b *Browser) Console() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.console)
}

// Do runs actions of chromedp.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	require.NoError(b.T, chromedp.Do(b.Ctx, steps...))
}

// Open goes to a page of the simulator. It waits until the connect page, "/", shows its first state.
func (b *Browser) Open(path string) {
	b.T.Helper()
	b.Do(chromedp.Navigate(b.url + path))
	if path == "/" {
		b.WaitFor("[data-state]")
	}
}

// Eval runs a JavaScript expression in the page, awaits its value and decodes it.
func Eval[T any](b *Browser, expression string) T {
	b.T.Helper()
	ctx, stop := b.alive()
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.T, because(ctx, err), expression)
	return v
}

// Run runs JavaScript statements in the page, which may await.
func (b *Browser) Run(statements string) {
	b.T.Helper()
	Eval[bool](b, "(async () => { "+statements+"; return true })()")
}

// RunInClick runs JavaScript statements in the page in answer to a click of the user, so that the browser opens windows.
func (b *Browser) RunInClick(statements string) {
	b.T.Helper()
	_, err := chromedp.Run(b.Ctx, chromedp.Evaluate[bool]("(() => { "+statements+" })(); true", func(p *runtime.EvaluateParams) {
		gesture := true
		p.UserGesture = &gesture
	}))
	require.NoError(b.T, err)
}

// WaitFor waits until the page has an element for a CSS selector.
func (b *Browser) WaitFor(selector string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.querySelector(%q) !== null", selector))
}

// WaitUntil waits until a JavaScript expression is true. It is evaluated again whenever the document or the focus changes; it must
// not be a promise. If the browser leaves the page meanwhile, the wait continues in the next page.
func (b *Browser) WaitUntil(condition string) {
	b.T.Helper()
	alive, end := b.alive()
	defer end()
	ctx, stop := context.WithTimeout(alive, min(Timeout/2, 3*time.Minute))
	defer stop()
	wait := chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((resolve, reject) => {
		const look = () => {
			try {
				const value = %s
				if (value instanceof Promise) throw new TypeError('the condition is a promise')
				if (value) end(resolve, true)
			} catch (error) {
				end(reject, error)
			}
		}
		const end = (settle, value) => {
			observer.disconnect()
			for (const name of ['focusin', 'focusout']) removeEventListener(name, look, true)
			settle(value)
		}
		const observer = new MutationObserver(look)
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
		for (const name of ['focusin', 'focusout']) addEventListener(name, look, true)
		look()
	})`, condition), chromedp.EvalAwaitPromise)
	for {
		_, err := chromedp.Run(ctx, wait)
		if err == nil {
			return
		}
		if !contextGone(err) || ctx.Err() != nil {
			shown := ""
			if alive.Err() == nil {
				shown = b.Text()
			}
			require.NoError(b.T, because(ctx, err), "%s\nthe page shows: %s\nconsole: %s", condition, shown, b.Console())
		}
	}
}

// contextGone reports whether the browser left the page in which something was evaluated.
func contextGone(err error) bool {
	var answer *cdproto.Error
	return errors.As(err, &answer) && devtools.Gone(answer.Message)
}

// Press waits for a button by its data-action and clicks it. It fails where something covers the button. The click goes to the
// button itself and not to a place in the page, where another button may be by then.
func (b *Browser) Press(action string) {
	b.T.Helper()
	selector := fmt.Sprintf("[data-action=%q]", action)
	click := fmt.Sprintf(`(() => {
		const button = document.querySelector(%q)
		if (!button) return 'gone'
		button.scrollIntoView({ block: 'center', behavior: 'instant' })
		const { x, y, width, height } = button.getBoundingClientRect()
		const met = document.elementFromPoint(x + width / 2, y + height / 2)
		if (!button.contains(met)) return 'it is covered by ' + (met?.outerHTML ?? 'nothing')
		button.focus({ preventScroll: true })
		button.click()
		return ''
	})()`, selector)
	for {
		b.WaitFor(selector)
		problem, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](click, func(p *runtime.EvaluateParams) {
			gesture := true
			p.UserGesture = &gesture // without one the browser does not open its chooser
		}))
		require.NoError(b.T, err, "press %s", action)
		if problem == "gone" {
			continue // the page was drawn anew
		}
		require.Empty(b.T, problem, "press %s\n%s", action, b.Text())
		return
	}
}

// Text returns what the page shows now.
func (b *Browser) Text() string {
	text, _ := chromedp.Run(b.Ctx, chromedp.Evaluate[string]("document.body?.innerText ?? ''"))
	return text
}

// WaitForDevices waits until the browser lists n devices that the page may use. It notices a plug, and that one is pulled, a moment after the
// device does. It fails where that takes a minute.
func (b *Browser) WaitForDevices(n int) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`const late = new Promise((_, fail) => setTimeout(() => fail(Error('the browser still lists another number of devices')), 60_000))
	for (;;) {
		const changed = new Promise((go) => ['connect', 'disconnect'].forEach((name) => navigator.usb.addEventListener(name, go, { once: true })))
		if ((await navigator.usb.getDevices()).length === %d) break
		await Promise.race([changed, late])
	}`, n))
}

// NewTab opens another tab in the same browser.
func (b *Browser) NewTab() *Browser {
	other := &Browser{T: b.T, Sim: b.Sim, url: b.url, language: b.language, Profile: b.Profile, crashed: make(chan struct{})}
	other.Ctx, other.Close = chromedp.NewContext(b.Ctx, chromedp.WithListener(other.listen))
	b.T.Cleanup(other.Close)
	other.Do(chromedp.Navigate("about:blank"))
	return other
}

// NewPrivateTab opens a tab in an incognito window.
func (b *Browser) NewPrivateTab() *Browser {
	b.T.Helper()
	browser := chromedp.FromContext(b.Ctx).Browser
	private, err := cdp.Call(b.Ctx, browser, target.CreateBrowserContext, target.CreateBrowserContextParams{})
	require.NoError(b.T, err)
	opened, err := cdp.Call(b.Ctx, browser, target.CreateTarget, target.CreateTargetParams{
		URL: "about:blank", BrowserContextID: private.BrowserContextID,
	})
	require.NoError(b.T, err)
	other := &Browser{T: b.T, Sim: b.Sim, url: b.url, language: b.language, Profile: b.Profile, crashed: make(chan struct{})}
	other.Ctx, other.Close = chromedp.NewContext(b.Ctx, chromedp.WithTargetID(opened.TargetID), chromedp.WithListener(other.listen))
	b.T.Cleanup(other.Close)
	other.Do()
	return other
}

// NewWindow does something that makes a page open a window, and returns that window.
func (b *Browser) NewWindow(open func()) *Browser {
	b.T.Helper()
	opened := chromedp.WaitNewTarget(b.Ctx, func(info *target.Info) bool { return info.Type == "page" })
	open()
	select {
	case id := <-opened:
		other := &Browser{T: b.T, Sim: b.Sim, url: b.url, language: b.language, Profile: b.Profile, crashed: make(chan struct{})}
		other.Ctx, other.Close = chromedp.NewContext(b.Ctx, chromedp.WithTargetID(id), chromedp.WithListener(other.listen))
		b.T.Cleanup(other.Close)
		other.Do()
		return other
	case <-b.Sim.Ctx.Done():
		require.Fail(b.T, "no window opens", b.Console())
		return nil
	}
}
