package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
)

// tabsPage is a page without a face that does with its devices what a test tells it, and says how it went: ” or a code.
const tabsPage = `<!doctype html><title>tab</title><script type="module">
import { loadImKey } from '/imkey.js'
globalThis.trustedCAs = [%s]
const imkey = await loadImKey({ trustedCAs })
const told = (e) => ({ code: e.code ?? String(e), holder: e.data?.holder ?? '', reason: e.data?.reason ?? '' })
const well = { code: '', holder: '', reason: '' }
Object.assign(globalThis, {
	imkey,
	// lost counts how often another tab took the device over.
	lost: 0,
	async find(serial) {
		const device = (await imkey.getDevices()).find((d) => !serial || d.serialNumber === serial)
		if (device === globalThis.device) return device
		device.addEventListener('disconnect', (e) => { if (e.detail.reason === 'taken-over') lost++ })
		return globalThis.device = device
	},
	// tell says how a job went.
	tell: (job) => job().then(() => well, told),
	// begin starts a job that a stop ends. It goes on until ended; settled says whether it has, or waits for a person.
	begin(job) {
		const stopper = new AbortController()
		globalThis.stop = () => stopper.abort()
		globalThis.state = 'running'
		const waits = (e) => { if (e.detail.state === 'waiting') ok('waiting') }
		let ok
		const waiting = new Promise((resolve) => { ok = resolve })
		device.addEventListener('interaction', waits)
		globalThis.ended = tell(() => job(stopper.signal)).finally(() => device.removeEventListener('interaction', waits))
		globalThis.settled = () => Promise.race([waiting, ended.then(() => 'ended')])
		globalThis.within = (ms) => Promise.race([ended, new Promise((r) => setTimeout(r, ms, { code: 'never', holder: '', reason: '' }))])
		return true
	},
})
document.title = 'ready'
</script>`

// jobEnd is how a job went.
type jobEnd struct{ Code, Holder, Reason string }

func (o jobEnd) String() string {
	if o.Code == "" {
		return "done"
	}
	return strings.TrimRight(strings.Join([]string{o.Code, o.Holder, o.Reason}, " "), " ")
}

// tabs is a browser with simulated devices and with tabs that are told what to do.
type tabs struct {
	*simtest.Simulator
	t       *testing.T
	ctx     context.Context
	browser *browser
	hold    func(context.Context) // holds a page that asks for /hold
}

// newTabs starts it; the page may use every device on every one of the hosts.
func newTabs(t *testing.T, bound time.Duration, hosts []string, devices ...device.Options) *tabs {
	ctx, stop := context.WithTimeout(t.Context(), bound)
	t.Cleanup(stop)
	var cas []string
	s := &tabs{t: t, ctx: ctx}
	s.Simulator = simtest.Config{Patience: bound, Wrap: func(simulator http.Handler) http.Handler {
		routes := http.NewServeMux()
		routes.Handle("/", simulator)
		routes.HandleFunc("/tab", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, tabsPage, strings.Join(cas, ","))
		})
		routes.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) { s.hold(r.Context()) })
		routes.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><title>elsewhere</title>")
		})
		return routes
	}}.Start(t, devices...)
	var permissions []chromium.Permission
	for _, d := range s.Devices {
		cas = append(cas, "'"+d.CA()+"'")
		for _, host := range hosts {
			permissions = append(permissions, chromium.Permission{Origin: s.at(host), Serial: d.Serial()})
		}
	}
	running := s.Launch(chromium.Options{Profile: t.TempDir(), Permissions: permissions, Args: []string{"--lang=en-US", "--disable-dev-shm-usage"}})
	root, detach := remote.NewAllocator(ctx, running.DevToolsURL)
	b := &browser{t: t}
	var end func()
	b.ctx, end = chromedp.NewContext(root, chromedp.WithListener(b.listen))
	b.close = sync.OnceFunc(func() { end(); detach(); running.Close() })
	t.Cleanup(b.close)
	b.do()
	s.browser = b
	return s
}

// at is the simulator's origin by another name of this machine: to a browser it is another site.
func (s *tabs) at(host string) string { return strings.Replace(s.URL, "127.0.0.1", host, 1) }

// tab opens a tab on a host, ready to be told what to do.
func (s *tabs) tab(host string) *browser {
	b := s.browser.tab()
	s.visit(b, s.at(host)+"/tab")
	return b
}

// visit goes to a page that says when it is ready.
func (s *tabs) visit(b *browser, url string) {
	b.do(chromedp.Navigate(url))
	s.untilReady(b)
}

func (s *tabs) untilReady(b *browser) {
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("document.title === 'ready'", chromedp.WithPollingMutation()))
		if err == nil {
			return
		}
		// A page of another site comes in a process of its own, and what asks the old one then is told so.
		require.ErrorContains(s.t, err, "context")
		require.NoError(s.t, s.ctx.Err(), "the page is never ready")
	}
}

// tell has a tab do a job, which is to come to an end by itself.
func tell(b *browser, job string) jobEnd {
	b.t.Helper()
	return eval[jobEnd](b, "tell(async () => { "+job+" })")
}

// wireOrder follows the packets of one device, and notes those that are inside another exchange.
type wireOrder struct {
	mu                 sync.Mutex
	out, in            frame.Assembler
	owed               bool // the device owes an answer
	exchanges, cancels int
	wrong              []string
}

func (w *wireOrder) tap(e usb.TapEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case e.Kind == usb.TapPlug:
		w.out.Reset()
		w.in.Reset()
		w.owed = false
	case e.Kind != usb.TapPacket || e.Err != nil || len(e.Data) != frame.PacketSize:
	case e.Dir == "out":
		if w.owed && frame.Command(e.Data[4]) == frame.MSG {
			w.wrong = append(w.wrong, "a message before the answer to the one before")
		}
		ev, err := w.out.Add(e.Data)
		switch {
		case err != nil:
			w.wrong = append(w.wrong, "to the device: "+err.Error())
		case ev.Kind == frame.Message:
			w.owed = true
			w.exchanges++
		case ev.Kind == frame.WasCancel:
			w.cancels++
		}
	default:
		ev, err := w.in.Add(e.Data)
		switch {
		case err != nil:
			w.wrong = append(w.wrong, "to the host: "+err.Error())
		case ev.Kind == frame.Message:
			w.owed = false
		case ev.Kind == frame.WasError:
			w.owed = false
			if ev.Code != frame.Cancelled && ev.Code != frame.InvalidCommand {
				w.wrong = append(w.wrong, fmt.Sprintf("the device refused a packet: ERROR %02X", byte(ev.Code)))
			}
		}
	}
}

// check fails where a packet was inside another exchange, and returns how many exchanges and cancellations there were.
func (w *wireOrder) check(t *testing.T) (exchanges, cancels int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.wrong)
	return w.exchanges, w.cancels
}

// full is the number for IMKEY_FULL, or the sample's.
func full(sample, all int) int {
	if os.Getenv("IMKEY_FULL") != "" {
		return all
	}
	return sample
}

// The tests that follow a wire would be worth nothing if it took anything.
func TestAWireWithTwoHostsIsSeen(t *testing.T) {
	t.Parallel()
	message, err := frame.Split(make([]byte, 100))
	require.NoError(t, err)
	answer, err := frame.Split([]byte{0x90, 0})
	require.NoError(t, err)
	out := func(p frame.Packet) usb.TapEvent { return usb.TapEvent{Kind: usb.TapPacket, Dir: "out", Data: p[:]} }
	in := func(p frame.Packet) usb.TapEvent { return usb.TapEvent{Kind: usb.TapPacket, Dir: "in", Data: p[:]} }
	exchange := []usb.TapEvent{out(message[0]), out(message[1]), in(frame.KeepAlive(2)), in(answer[0])}
	cancelled := []usb.TapEvent{out(message[0]), out(message[1]), in(frame.KeepAlive(2)), out(frame.Cancel()), in(frame.Error(frame.Cancelled))}
	for what, c := range map[string]struct {
		events []usb.TapEvent
		well   bool
	}{
		"one after the other":             {slices.Concat(exchange, exchange, cancelled, exchange), true},
		"unplugged in the middle":         {slices.Concat(exchange[:1], []usb.TapEvent{{Kind: usb.TapPlug}}, exchange), true},
		"a message inside a message":      {slices.Concat(exchange[:1], exchange), false},
		"a message before an answer":      {slices.Concat(exchange[:3], exchange), false},
		"a packet of another's message":   {slices.Concat(exchange, exchange[1:]), false},
		"a message before a cancellation": {slices.Concat(cancelled[:4], exchange), false},
		"a refusal":                       {slices.Concat(exchange[:2], []usb.TapEvent{in(frame.Error(frame.Busy))}), false},
	} {
		var w wireOrder
		for _, e := range c.events {
			w.tap(e)
		}
		require.Equal(t, c.well, len(w.wrong) == 0, "%s: %v", what, w.wrong)
	}
}
