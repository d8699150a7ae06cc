package simtest

import (
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/serve"
	"imkey-connect/web"
)

// DefaultPatience bounds a wait: far more than any step needs on a machine that has other things to do.
const DefaultPatience = 30 * time.Second

// Config is a simulator that is not as usual. The zero value is as usual, and what Start uses.
type Config struct {
	// Pages is what the simulator's origin serves besides the simulator; nil is the pages of this project.
	Pages http.Handler
	// Wrap is put around all that the simulator serves; nil is nothing. It may add routes, and record requests.
	Wrap func(simulator http.Handler) http.Handler
	// Patience bounds each wait; 0 is DefaultPatience.
	Patience time.Duration
	// Trace is how many events are kept for each device; 0 is trace.DefaultSize.
	Trace int
}

// Simulator is a running simulator, of one device or several.
type Simulator struct {
	// URL is its origin, http://127.0.0.1:PORT: the pages are below it, and the control API at URL + "/sim/v1/".
	URL string
	// USBIP is the address of its USB/IP server, 127.0.0.1:PORT. Device n has the bus id 1-n.
	USBIP string
	// Device is the first device; Devices are all of them.
	Device  *Device
	Devices []*Device

	t        testing.TB
	patience func() time.Duration
	browser  *chromium.Browser // started last; nil: none
}

// Start starts a simulator with these devices, or with a new one that has neither wallet nor PIN. It closes with the test.
// Without web/dist the test fails and says how to build it.
func Start(t testing.TB, devices ...device.Options) *Simulator {
	t.Helper()
	return Config{}.Start(t, devices...)
}

// Start is as the function Start.
func (c Config) Start(t testing.TB, devices ...device.Options) *Simulator {
	t.Helper()
	if c.Pages == nil {
		if web.Dist == nil {
			t.Fatalf("simtest: there is no web/dist: run make build in %s, then this test again (or set Config.Pages)", checkout())
		}
		c.Pages = web.Handler(web.Dist)
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if len(devices) == 0 {
		devices = make([]device.Options, 1)
	}
	serving, err := serve.Start(serve.Options{USBIP: "127.0.0.1:0", Devices: devices, Pages: c.Pages, Trace: c.Trace, Wrap: c.Wrap})
	if err != nil {
		t.Fatalf("simtest: %v", err)
	}
	s := &Simulator{URL: serving.URL(), USBIP: serving.USBIP(), t: t, patience: c.bound(t)}
	for i := range devices {
		s.Devices = append(s.Devices, &Device{
			Simulated: serving.Device(i + 1), t: t, number: i + 1, of: len(devices), log: serving.Trace(i + 1), patience: s.patience,
		})
	}
	s.Device = s.Devices[0]
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			s.report()
		}
		if err := serving.Close(); err != nil {
			t.Errorf("simtest: closing the simulator: %v", err)
		}
	})
	return s
}

// Localhost is the simulator's origin by its other name, http://localhost:PORT, which is another origin to a browser, and
// another app to a device.
func (s *Simulator) Localhost() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatalf("simtest: %v", err) // it is ours
	}
	return "http://" + net.JoinHostPort("localhost", u.Port())
}

// bound returns a function that says how long a wait that begins now may take: it ends before go test's own time limit, whose message would
// show goroutines instead of the device.
func (c Config) bound(t testing.TB) func() time.Duration {
	limited, _ := t.(interface{ Deadline() (time.Time, bool) })
	return func() time.Duration {
		if limited != nil {
			if end, ok := limited.Deadline(); ok {
				return max(0, min(c.Patience, time.Until(end)-time.Second))
			}
		}
		return c.Patience
	}
}

// checkout is where this module's sources were when the test was compiled.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) { // compiled with -trimpath
		return "the checkout of imkey-connect"
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
