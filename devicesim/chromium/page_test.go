package chromium_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usb/usbtest"
	"imkey-connect/devicesim/usbip"
)

// bench is a USB/IP server with echo devices.
type bench struct {
	ports   []*usb.Port
	devices []preload.Device
	mu      sync.Mutex
	resets  int
}

func serial(n int) string { return "imKey0119120000" + string(rune('0'+n)) }

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &bench{}
	for i := 1; i <= n; i++ {
		b.ports = append(b.ports, usb.NewPort(usb.Identity{
			Serial: serial(i), Manufacturer: "imKey", Product: "imKey Pro – 测试", LandingURL: "https://wallet.example/",
		}, &usbtest.Echo{}, func(e usb.TapEvent) {
			if e.Text == "reset" {
				b.mu.Lock()
				b.resets++
				b.mu.Unlock()
			}
		}))
		b.devices = append(b.devices, preload.Device{Addr: l.Addr().String(), BusID: usbip.BusID(i)})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&usbip.Server{Ports: b.ports}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return b
}

func (b *bench) resetCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resets
}

// pageHTML gets programs from the test, runs them and posts their results.
// An <iframe> of the same origin (window.other) is a second user of the device.
const pageHTML = `<!doctype html><meta charset=utf-8><title>usb</title><script type=module>
const AsyncFunction = (async () => {}).constructor
window.events = []
window.waiting = []
const note = kind => e => { events.push(kind + ' ' + e.device.serialNumber); waiting.splice(0).forEach(f => f()) }
navigator.usb.onconnect = note('connect')
navigator.usb.ondisconnect = note('disconnect')
// until waits for an event
window.until = async kind => { while (!events.includes(kind)) await new Promise(f => waiting.push(f)) }
// outcome returns the result of a promise in one line
window.outcome = async promise => {
  try {
    const r = await promise
    if (r === undefined) return 'ok'
    if (r.status === undefined) return String(r)
    return r.status + ' ' + (r.data ? r.data.byteLength : r.bytesWritten)
  } catch (e) { return e.name + ': ' + e.message }
}
window.find = async (n, usb = navigator.usb) => (await usb.getDevices()).find(d => d.serialNumber.endsWith(n))
// close() returns before the browser has closed the device's node, which still has the claim
window.claim = async d => {
  for (let tries = 1000; tries; tries--) try { return await d.claimInterface(0) } catch (e) { if (tries === 1) throw e }
}
window.bytes = (...b) => new Uint8Array(b)
if (window === window.top) {
  await new Promise(loaded => {
    const f = document.createElement('iframe')
    f.src = '/frame'
    f.onload = () => { window.other = f.contentWindow; loaded() }
    document.body.append(f)
  })
  for (;;) {
    const { id, js } = await (await fetch('/next')).json()
    const answer = { id }
    try { answer.value = await new AsyncFunction(js)() } catch (e) { answer.error = e.name + ': ' + e.message }
    await fetch('/result', { method: 'POST', body: JSON.stringify(answer) })
  }
}
</script>`

// page is a page in a browser.
type page struct {
	server   *httptest.Server
	programs chan program
	results  chan result
	id       int
}

type program struct {
	ID int    `json:"id"`
	JS string `json:"js"`
}

type result struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

func newPage(t *testing.T) *page {
	p := &page{programs: make(chan program), results: make(chan result, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case next := <-p.programs:
			_ = json.NewEncoder(w).Encode(next)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		var got result
		if json.NewDecoder(r.Body).Decode(&got) == nil {
			p.results <- got
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(pageHTML))
	})
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

// origin is http://localhost:port, which a browser takes for secure.
func (p *page) origin() string {
	return strings.Replace(p.server.URL, "127.0.0.1", "localhost", 1)
}

// opened starts a browser on the page, with the bench's devices plugged in.
func (p *page) opened(t *testing.T, b *bench) *chromium.Browser {
	t.Helper()
	var allowed []chromium.Permission
	for i := range b.ports {
		allowed = append(allowed, chromium.Permission{Origin: p.origin(), Serial: serial(i + 1)})
	}
	browser, err := chromium.Launch(context.Background(), chromium.Options{
		Devices: b.devices, Permissions: allowed, URL: p.origin() + "/", Output: t.Output(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, browser.Close()) })
	return browser
}

// run executes the body of an async function in the page and returns its value.
func (p *page) run(t *testing.T, js string) any {
	t.Helper()
	p.id++
	limit := time.NewTimer(60 * time.Second)
	defer limit.Stop()
	select {
	case p.programs <- program{p.id, js}:
	case <-limit.C:
		require.FailNow(t, "the page asks for nothing", js)
	}
	select {
	case r := <-p.results:
		require.Equal(t, p.id, r.ID)
		require.Empty(t, r.Error, js)
		if len(r.Value) == 0 {
			return nil
		}
		var v any
		require.NoError(t, json.Unmarshal(r.Value, &v))
		return v
	case <-limit.C:
		require.FailNow(t, "the page does not answer", js)
	}
	return nil
}
