package buses_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/wire"
	"imkey-connect/web/e2e/harness"
)

// edges is the folder with the scripts that do what a page may do with a device.
var edges = harness.RepoPath("devicesim/wire/testdata")

// wireSim starts a simulator with a blank page for the scripts of edges, whose WebSockets can be stopped and started.
func wireSim(t *testing.T) *harness.Sim {
	s := harness.NewSim(t, device.Options{Serial: "imKey01191200001"}) // its serial is what the permission is for
	s.ServeHTML("/blank", "<!doctype html><title>blank</title><iframe src='/inner'></iframe>")
	s.ServeHTML("/inner", "<!doctype html><title>inner</title>")
	s.Handle("/edges/", http.StripPrefix("/edges/", http.FileServer(http.Dir(edges))).ServeHTTP)
	// A device that answers only a CANCEL takes the imKey's place on every bus.
	port := usb.NewPort(usb.Identity{
		Serial: "imKey01191200001", Manufacturer: "imKey", Product: "imKey (simulated)", LandingURL: "http://localhost:7380/",
	}, &quiet{}, nil)
	s.PlugInstead(port)
	s.Handle("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var faults []usb.Fault
		if err == nil {
			faults, err = usb.ParseFaults(body)
		}
		if err == nil {
			err = port.SetFaults(faults)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	s.Handle("POST /unplug", func(http.ResponseWriter, *http.Request) { port.Unplug() })
	s.Handle("POST /plug", func(http.ResponseWriter, *http.Request) { port.Plug() })
	var mu sync.Mutex
	server := wire.New(port)
	s.Handle("/wire", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		current := server
		mu.Unlock()
		if current == nil {
			http.Error(w, "stopped", http.StatusServiceUnavailable)
			return
		}
		current.ServeHTTP(w, r)
	})
	stop := func() {
		mu.Lock()
		current := server
		server = nil
		mu.Unlock()
		if current != nil {
			current.Close()
		}
	}
	s.Handle("POST /stop", func(http.ResponseWriter, *http.Request) { stop() })
	s.Handle("POST /start", func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		server = wire.New(port)
	})
	t.Cleanup(stop)
	return s
}

// quiet is a device that answers a CANCEL with an ERROR 01, and nothing else.
type quiet struct{ send func([]byte) }

func (d *quiet) Attach(send func([]byte)) { d.send = send }

func (d *quiet) Detach() {}

func (d *quiet) Packet(p []byte) {
	if cancel := frame.Cancel(); bytes.Equal(p, cancel[:]) {
		answer := frame.Error(frame.InvalidCommand)
		d.send(answer[:])
	}
}

// controlJS defines sim, by which the scripts control the device.
const controlJS = `
	const post = async (path, body = {}) => {
		const r = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
		if (!r.ok) throw new Error(path + ': ' + await r.text())
	}
	const sim = {
		faults: list => post('/faults', list), unplug: () => post('/unplug'), plug: () => post('/plug'),
		stop: () => post('/stop'), start: () => post('/start'),
	}
	const url = location.href.replace('http', 'ws').replace('/blank', '/wire')
	const { simulatedUSB } = await import('/sim/webusb.js');`

// runEdges runs a script of edges in a new Chromium and returns what it saw, by case.
func runEdges(t *testing.T, o harness.BrowserOptions, call string) map[string]any {
	s := wireSim(t)
	b := s.StartBrowser(o)
	b.Do(chromedp.Navigate(s.URL + "/blank"))
	// The frame has loaded when the page has.
	require.Equal(t, "inner", harness.Eval[string](b, "document.querySelector('iframe').contentDocument.title"))
	var out map[string]any
	text, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string]("(async () => {"+controlJS+"\n return JSON.stringify(await ("+call+")) })()",
		chromedp.EvalAwaitPromise, func(p *runtime.EvaluateParams) {
			gesture := o.Unplugged && call == callPage
			p.UserGesture = &gesture
		}))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(text), &out))
	return out
}

const (
	callReal      = `(await import('/edges/edge.js')).edge(navigator.usb, document.querySelector('iframe').contentWindow.navigator.usb, sim)`
	callSimulated = `(await import('/edges/edge.js')).edge(simulatedUSB(url), simulatedUSB(url), sim)`
	callPage      = `(await import('/edges/page.js')).page(other => simulatedUSB(other ?? url), sim)`
)

// TestChoosingAndForgettingASimulatedDevice compares what a page sees of requestDevice, forget and reconnects of the object of
// webusb.js with page.json.
func TestChoosingAndForgettingASimulatedDevice(t *testing.T) {
	t.Parallel()
	got := runEdges(t, harness.BrowserOptions{Unplugged: true}, callPage)
	golden, err := os.ReadFile(filepath.Join(edges, "page.json"))
	require.NoError(t, err)
	var want map[string]any
	require.NoError(t, json.Unmarshal(golden, &want))
	require.Equal(t, want, got)
}
