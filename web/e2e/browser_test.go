package e2e

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
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/chromium/devtools"
	"imkey-connect/devicesim/simtest"
)

// browser is one headless Chromium with one page, and all that it told of the page.
type browser struct {
	t       *testing.T
	sim     *sim
	ctx     context.Context
	profile string
	close   func()

	mu      sync.Mutex
	told    []byte // every event of console, log and network, as JSON
	console []byte // the part of it that says why a test failed
}

type browserOptions struct {
	profile   string            // kept; "" is a fresh one
	headful   bool              // with windows, on a display
	unplugged bool              // no USB device: for the simulated device over a WebSocket
	over      bus               // the way to the device otherwise; "" is preloaded
	permitted []*simtest.Device // by the page's permission; nil is all
	forbidden bool              // the page has no permission for the device
	args      []string
}

// browse starts a Chromium with the simulated device plugged into it. It closes with the test, or earlier by close.
func (s *sim) browse(o browserOptions) *browser {
	t := s.t
	if o.profile == "" {
		o.profile = t.TempDir()
	}
	// What moves costs a machine without a graphics card a tenth of its time; tests that look at it ask for it themselves.
	args := append([]string{"--lang=en-US", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"}, o.args...)
	options := chromium.Options{Profile: o.profile, Headful: o.headful, Devices: s.instead, Args: args}
	permitted := o.permitted
	if permitted == nil {
		permitted = s.Devices
	}
	for _, device := range permitted {
		options.Permissions = append(options.Permissions, chromium.Permission{Origin: s.url, Serial: device.Serial()})
	}
	if o.unplugged || o.over == webSocket {
		options.Devices = s.Plugs() // none
	}
	if o.over == kernel {
		options.Devices = s.Plugs() // none by preloading
		s.attach()
		s.asPerson(&options)
	}
	if o.unplugged || o.forbidden {
		options.Permissions = []chromium.Permission{}
	}
	running := s.Launch(options)
	root, detach := remote.NewAllocator(s.ctx, running.DevToolsURL, remote.WithDialTimeout(patience))
	b := &browser{t: t, sim: s, profile: o.profile}
	ctx, stop := chromedp.NewContext(root, chromedp.WithListener(b.listen))
	b.ctx = ctx
	b.close = sync.OnceFunc(func() {
		stop()
		detach()
		running.Close()
	})
	t.Cleanup(b.close)
	b.do(
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
			return err
		}))
	return b
}

func (b *browser) listen(event any) {
	said := false
	switch event.(type) {
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

func (b *browser) heard() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.told...)
}

// consoleText is what the page's console shows, for the report of a failure.
func (b *browser) consoleText() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.console)
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// open goes to a page of the simulator and waits until it shows its first state.
func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.sim.url + path))
	if path == "/" {
		b.wait("[data-state]")
	}
}

// eval runs JavaScript, awaits what it returns and decodes it.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return v
}

// run is eval for what returns nothing.
func (b *browser) run(expression string) {
	b.t.Helper()
	eval[bool](b, "(async () => { "+expression+"; return true })()")
}

// wait waits until an element is there.
func (b *browser) wait(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.querySelector(%q) !== null", selector))
}

// until waits for a condition, which is looked at whenever the page changes. A page that is being left takes the look with it;
// the next one is looked at anew.
func (b *browser) until(condition string) {
	b.t.Helper()
	limit := time.Now().Add(patience)
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](condition, chromedp.WithPollingMutation(), chromedp.WithPollingTimeout(min(patience/2, 3*time.Minute))))
		if err == nil {
			return
		}
		if !contextGone(err) || time.Now().After(limit) {
			require.NoError(b.t, err, "%s\nthe page shows: %s\nconsole: %s", condition, b.text(), b.consoleText())
		}
	}
}

func contextGone(err error) bool {
	var answer *cdproto.Error
	return errors.As(err, &answer) && devtools.Gone(answer.Message)
}

// state waits for one of the page's states; it fails at once where the page shows an error instead.
func (b *browser) state(name string) {
	b.t.Helper()
	b.until(`!!document.querySelector('[data-state="` + name + `"], [data-state="error"]')`)
	shown := eval[string](b, `(document.querySelector('[data-error]')?.dataset.error ?? '')`)
	if name != "error" && shown != "" {
		require.Failf(b.t, "the page shows an error", "%s instead of state %s\n%s\n%s", shown, name, b.text(), b.consoleText())
	}
}

// recovers waits for a state that follows an error.
func (b *browser) recovers(name string) {
	b.t.Helper()
	b.wait(`[data-state="` + name + `"]`)
}

// fails waits for the error state with this code.
func (b *browser) fails(code string) {
	b.t.Helper()
	b.until(`!!document.querySelector('[data-error="` + code + `"]')`)
}

// press clicks a button of the page, once it is there and a mouse would meet it. It is the button itself that is clicked
// and not a place: what is at that place may be another button by the time the click gets there.
func (b *browser) press(action string) {
	b.t.Helper()
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
		b.wait(selector)
		problem, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](click, func(p *runtime.EvaluateParams) {
			gesture := true
			p.UserGesture = &gesture // as a person's click has it: only then does the browser open its chooser
		}))
		require.NoError(b.t, err, "press %s", action)
		if problem == "gone" {
			continue // redrawn in between
		}
		require.Empty(b.t, problem, "press %s\n%s", action, b.text())
		return
	}
}

// typeCode types a code into the boxes, key by key, and confirms it.
func (b *browser) typeCode(code string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(code), chromedp.KeyEvent("\r"))
}

func (b *browser) text() string {
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body?.innerText ?? ''"))
	return text
}

// listed waits until the browser has noticed the device that was just plugged in.
func (b *browser) listed() {
	b.t.Helper()
	b.run(`for (;;) {
		const plugged = new Promise((go) => navigator.usb.addEventListener('connect', go, { once: true }))
		if ((await navigator.usb.getDevices()).length === 1) break
		await plugged
	}`)
}

// toCode goes from the start to the boxes on a device that is unbound and verified.
func (b *browser) toCode() {
	b.t.Helper()
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("code")
}

// bind binds the browser to the device of the simulator, from the start, and returns the code.
func (b *browser) bind() string {
	b.t.Helper()
	b.open("/")
	b.toCode()
	code := b.sim.code()
	b.typeCode(code)
	b.state("bound")
	return code
}

// tab opens a second tab in the same browser.
func (b *browser) tab() *browser {
	ctx, stop := chromedp.NewContext(b.ctx)
	b.t.Cleanup(stop)
	other := &browser{t: b.t, sim: b.sim, ctx: ctx, profile: b.profile, close: stop}
	other.do(chromedp.Navigate("about:blank"))
	return other
}
