package simtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/usbip"
)

// Chromium starts a headless Chromium with all devices plugged in, which closes with the test. Its DevToolsURL is for chromedp's
// remote allocator, playwright's connectOverCDP and puppeteer.connect. The simulator's pages, and those of the given origins
// (as http://localhost:5173), have permission for the devices. Without Chromium, a C compiler or Linux the test fails and says
// what to install.
func (s *Simulator) Chromium(origins ...string) *chromium.Browser {
	s.t.Helper()
	return s.Launch(chromium.Options{Permissions: s.Permissions(origins...)})
}

// Launch is Chromium with options. If Devices is nil, all devices are plugged in; an empty list plugs in none. If Permissions is
// nil, the simulator's own pages have permission for the devices. DevTools is always open.
func (s *Simulator) Launch(o chromium.Options) *chromium.Browser {
	s.t.Helper()
	if o.Devices == nil {
		o.Devices = s.Plugs(s.Devices...)
	}
	if o.Permissions == nil {
		o.Permissions = s.Permissions()
	}
	o.DevTools = true
	ctx, stop := context.WithCancelCause(context.Background()) // the test's context ends before the browser is closed
	limit := s.timeout()
	late := time.AfterFunc(limit, func() { stop(fmt.Errorf("Chromium did not start within %v", limit)) })
	b, err := chromium.Launch(ctx, o)
	late.Stop()
	if err != nil {
		stop(nil)
		s.t.Fatalf("simtest: %v", err)
	}
	s.browser = b
	s.t.Cleanup(func() {
		s.t.Helper()
		defer stop(nil)
		select {
		case <-b.Ended():
			if err := b.Wait(); err != nil && s.t.Failed() {
				s.t.Logf("simtest: %v", err)
			}
		default:
		}
		if err := b.Close(); err != nil {
			s.t.Errorf("simtest: closing Chromium: %v", err)
		}
	})
	return b
}

// Permissions returns permissions of the simulator's pages, and of those of the origins, for every device.
func (s *Simulator) Permissions(origins ...string) []chromium.Permission {
	permissions := []chromium.Permission{}
	for _, origin := range append([]string{s.URL, s.Localhost()}, origins...) {
		for _, d := range s.Devices {
			permissions = append(permissions, chromium.Permission{Origin: strings.TrimSuffix(origin, "/"), Serial: d.Serial()})
		}
	}
	return permissions
}

// Plugs returns devices in the form for chromium.Options and package preload.
func (s *Simulator) Plugs(devices ...*Device) []preload.Device {
	plugs := []preload.Device{}
	for _, d := range devices {
		plugs = append(plugs, preload.Device{Addr: s.USBIP, BusID: usbip.BusID(d.number)})
	}
	return plugs
}
