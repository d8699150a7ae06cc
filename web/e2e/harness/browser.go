package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/chromium/devtools"
	"imkey-connect/devicesim/simtest"
)

// Browser is one headless Chromium with one page, and all that it told of the page.
type Browser struct {
	T        *testing.T
	Sim      *Sim
	url      string // the origin that open goes to
	Ctx      context.Context
	Profile  string
	Close    func()
	language string        // that its pages are shown in
	crashed  chan struct{} // closed when the page's process is dead

	mu      sync.Mutex
	told    []byte // every event of console, log and network, as JSON
	console []byte // the part of it that says why a test failed
}

type BrowserOptions struct {
	Profile      string            // kept; "" is a fresh one
	Headful      bool              // with windows, on a display
	Unplugged    bool              // no USB device: for the simulated device over a WebSocket
	Bus          Bus               // the way to the device otherwise; "" is preloaded
	Permitted    []*simtest.Device // by the page's permission; nil is all
	Origins      []string          // whose pages have it; nil is the simulator's own
	NoPermission bool              // the page has no permission for the device
	Args         []string
}

// StartBrowser starts a Chromium with the simulated device plugged into it. It closes with the test, or earlier by close.
func (s *Sim) StartBrowser(o BrowserOptions) *Browser {
	t := s.T
	if o.Profile == "" {
		o.Profile = t.TempDir()
	}
	// What moves costs a machine without a graphics card a tenth of its time; tests that look at it ask for it themselves.
	args := append([]string{"--lang=en-US", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"}, o.Args...)
	options := chromium.Options{Profile: o.Profile, Headful: o.Headful, Devices: s.instead, Args: args}
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
	b := Control(s.Ctx, t, s.Launch(options), s.URL)
	b.Sim, b.Profile = s, o.Profile
	return b
}

// Control opens a page in a Chromium that runs. Both close with the test, or earlier by close.
func Control(ctx context.Context, t *testing.T, running *chromium.Browser, url string) *Browser {
	root, detach := remote.NewAllocator(ctx, running.DevToolsURL, remote.WithDialTimeout(Timeout))
	b := &Browser{T: t, url: url, language: "en", crashed: make(chan struct{})}
	ctx, stop := chromedp.NewContext(root, chromedp.WithListener(b.listen))
	b.Ctx = ctx
	b.Close = sync.OnceFunc(func() {
		stop()
		detach()
		running.Close()
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

func (b *Browser) listen(event any) {
	said := false
	switch event.(type) {
	case *inspector.EventTargetCrashed:
		close(b.crashed)
		return
	case *runtime.EventConsoleAPICalled, *runtime.EventExceptionThrown, *log.EventEntryAdded:
		said = true
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
	b.told = append(append(b.told, j...), '\n')
	if said {
		b.console = append(append(b.console, j...), '\n')
	}
}

func (b *Browser) Recorded() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.told...)
}

// Console is what the page's console shows, for the report of a failure.
func (b *Browser) Console() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.console)
}

func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	require.NoError(b.T, chromedp.Do(b.Ctx, steps...))
}

// Open goes to a page of the simulator and waits until it shows its first state.
func (b *Browser) Open(path string) {
	b.T.Helper()
	b.Do(chromedp.Navigate(b.url + path))
	if path == "/" {
		b.WaitFor("[data-state]")
	}
}

// Eval runs JavaScript, awaits what it returns and decodes it.
func Eval[T any](b *Browser, expression string) T {
	b.T.Helper()
	v, err := chromedp.Run(b.Ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.T, err, expression)
	return v
}

// Run is eval for what returns nothing.
func (b *Browser) Run(expression string) {
	b.T.Helper()
	Eval[bool](b, "(async () => { "+expression+"; return true })()")
}

// WaitFor waits until an element is there.
func (b *Browser) WaitFor(selector string) {
	b.T.Helper()
	b.WaitUntil(fmt.Sprintf("document.querySelector(%q) !== null", selector))
}

// WaitUntil waits for a condition, which is looked at whenever the page changes. A page that is being left takes the look with it;
// the next one is looked at anew.
func (b *Browser) WaitUntil(condition string) {
	b.T.Helper()
	limit := time.Now().Add(Timeout)
	for {
		_, err := chromedp.Run(b.Ctx, chromedp.Poll[bool](condition, chromedp.WithPollingMutation(), chromedp.WithPollingTimeout(min(Timeout/2, 3*time.Minute))))
		if err == nil {
			return
		}
		if !contextGone(err) || time.Now().After(limit) {
			require.NoError(b.T, err, "%s\nthe page shows: %s\nconsole: %s", condition, b.Text(), b.Console())
		}
	}
}

func contextGone(err error) bool {
	var answer *cdproto.Error
	return errors.As(err, &answer) && devtools.Gone(answer.Message)
}

// Press clicks a button of the page, once it is there and a mouse would meet it. It is the button itself that is clicked
// and not a place: what is at that place may be another button by the time the click gets there.
func (b *Browser) Press(action string) {
	b.T.Helper()
	selector := fmt.Sprintf("[data-action=%q]", action)
	click := fmt.Sprintf(`(() => {
		const button = document.querySelector(%q)
		if (!button) return 'gone'
		button.scrollIntoView({ block: 'center', behavior: 'instant' })
		const { x, y, width, height } = button.getBoundingClientRect()
		const met = document.elementFromPoint(x + width / 2, y + height / 2)
		if (!button.contains(met)) return 'in its place is ' + (met?.outerHTML ?? 'nothing')
		button.focus({ preventScroll: true })
		button.click()
		return ''
	})()`, selector)
	for {
		b.WaitFor(selector)
		problem, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](click, func(p *runtime.EvaluateParams) {
			gesture := true
			p.UserGesture = &gesture // as a person's click has it: only then does the browser open its chooser
		}))
		require.NoError(b.T, err, "press %s", action)
		if problem == "gone" {
			continue // redrawn in between
		}
		require.Empty(b.T, problem, "press %s\n%s", action, b.Text())
		return
	}
}

func (b *Browser) Text() string {
	text, _ := chromedp.Run(b.Ctx, chromedp.Evaluate[string]("document.body?.innerText ?? ''"))
	return text
}

// WaitForDevice waits until the browser has noticed the device that was just plugged in.
func (b *Browser) WaitForDevice() {
	b.T.Helper()
	b.Run(`for (;;) {
		const plugged = new Promise((go) => navigator.usb.addEventListener('connect', go, { once: true }))
		if ((await navigator.usb.getDevices()).length === 1) break
		await plugged
	}`)
}

// NewTab opens a second tab in the same browser.
func (b *Browser) NewTab() *Browser {
	other := &Browser{T: b.T, Sim: b.Sim, url: b.url, language: b.language, Profile: b.Profile, crashed: make(chan struct{})}
	other.Ctx, other.Close = chromedp.NewContext(b.Ctx, chromedp.WithListener(other.listen))
	b.T.Cleanup(other.Close)
	other.Do(chromedp.Navigate("about:blank"))
	return other
}

// Kill takes the page's process away and waits until it is dead.
func (b *Browser) Kill() {
	b.T.Helper()
	go chromedp.Do(b.Ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.Crash, cdp.Empty{})
		return err
	}))
	select {
	case <-b.crashed:
	case <-b.Sim.Ctx.Done():
		require.Fail(b.T, "the page does not die")
	}
}
