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

// DefaultTimeout is the default limit of a wait. It is much longer than any step needs, even on a busy machine.
const DefaultTimeout = 30 * time.Second

// Config describes a simulator. Start uses the zero value.
type Config struct {
	// Pages serves the pages on the simulator's origin. The default are the pages of this project.
	Pages http.Handler
	// Wrap wraps the handler of the simulator, to log requests or to add routes. It may be nil.
	Wrap func(simulator http.Handler) http.Handler
	// Timeout is the limit of each wait. 0 means DefaultTimeout.
	Timeout time.Duration
	// Trace is the number of events that are kept for each device. 0 means trace.DefaultSize.
	Trace int
}

// Simulator is a running simulator with one or more devices.
type Simulator struct {
	// URL is the simulator's origin, http://127.0.0.1:PORT. The control API is at URL + "/sim/v1/".
	URL string
	// USBIP is the address of the USB/IP server, 127.0.0.1:PORT. Device n has the bus id 1-n.
	USBIP string
	// Device is the first device; Devices are all of them.
	Device  *Device
	Devices []*Device

	t       testing.TB
	timeout func() time.Duration
	browser *chromium.Browser // the one that was started last, or nil
}

// Start starts a simulator with these devices, or with one new device that has no wallet and no PIN. It closes with the test.
// Without web/dist the test fails and says how to build it.
func Start(t testing.TB, devices ...device.Options) *Simulator {
	t.Helper()
	return Config{}.Start(t, devices...)
}

// Start is like the function Start.
func (c Config) Start(t testing.TB, devices ...device.Options) *Simulator {
	t.Helper()
	if c.Pages == nil {
		if web.Dist == nil {
			t.Fatalf("simtest: there is no web/dist: run make build in %s, then this test again (or set Config.Pages)", checkout())
		}
		c.Pages = web.Handler(web.Dist)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if len(devices) == 0 {
		devices = make([]device.Options, 1)
	}
	serving, err := serve.Start(serve.Options{USBIP: "127.0.0.1:0", Devices: devices, Pages: c.Pages, Trace: c.Trace, Wrap: c.Wrap})
	if err != nil {
		t.Fatalf("simtest: %v", err)
	}
	s := &Simulator{URL: serving.URL(), USBIP: serving.USBIP(), t: t, timeout: c.timeout(t)}
	for i := range devices {
		s.Devices = append(s.Devices, &Device{
			Simulated: serving.Device(i + 1), t: t, number: i + 1, of: len(devices), log: serving.Trace(i + 1), timeout: s.timeout,
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

// Localhost is the simulator's origin with the host name localhost, http://localhost:PORT. It is another origin to a browser,
// and another app to a device.
func (s *Simulator) Localhost() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatalf("simtest: %v", err) // cannot happen: the simulator made the URL
	}
	return "http://" + net.JoinHostPort("localhost", u.Port())
}

// timeout returns a function that returns the limit of a wait that begins now. The wait ends before the time limit of go test,
// whose message would show goroutines instead of the device.
func (c Config) timeout(t testing.TB) func() time.Duration {
	limited, _ := t.(interface{ Deadline() (time.Time, bool) })
	return func() time.Duration {
		if limited != nil {
			if end, ok := limited.Deadline(); ok {
				return max(0, min(c.Timeout, time.Until(end)-time.Second))
			}
		}
		return c.Timeout
	}
}

// checkout is the folder of this module's sources when the test was compiled.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) { // compiled with -trimpath
		return "the checkout of imkey-connect"
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
