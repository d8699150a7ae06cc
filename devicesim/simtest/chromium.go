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

// Chromium starts a headless Chromium into which all devices are plugged, and which closes with the test. Its DevToolsURL is
// for whoever drives it: chromedp's remote allocator, playwright's connectOverCDP, puppeteer.connect. The simulator's pages,
// and those of the origins named here (http://localhost:5173), may use the devices without asking. Without Chromium, a C
// compiler or Linux the test fails and says what to install.
func (s *Simulator) Chromium(origins ...string) *chromium.Browser {
	s.t.Helper()
	return s.Launch(chromium.Options{Permissions: s.Permissions(origins...)})
}

// Launch is Chromium with options: without Devices all devices are plugged in (an empty list that is not nil plugs none in),
// without Permissions those of the simulator's own pages are given, and DevTools is always open. What is no switch of
// chromium.Options, such as a window's size or a profile that is kept, goes into Args and Profile.
func (s *Simulator) Launch(o chromium.Options) *chromium.Browser {
	s.t.Helper()
	if o.Devices == nil {
		o.Devices = s.Plugs(s.Devices...)
	}
	if o.Permissions == nil {
		o.Permissions = s.Permissions()
	}
	o.DevTools = true
	ctx, stop := context.WithCancelCause(context.Background()) // not the test's: that ends before what closes the browser
	limit := s.patience()
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

// Permissions let the simulator's pages, and those of the origins, use every device.
func (s *Simulator) Permissions(origins ...string) []chromium.Permission {
	permissions := []chromium.Permission{}
	for _, origin := range append([]string{s.URL, s.Localhost()}, origins...) {
		for _, d := range s.Devices {
			permissions = append(permissions, chromium.Permission{Origin: strings.TrimSuffix(origin, "/"), Serial: d.Serial()})
		}
	}
	return permissions
}

// Plugs are these devices as chromium.Options and package preload take them; none without any.
func (s *Simulator) Plugs(devices ...*Device) []preload.Device {
	plugs := []preload.Device{}
	for _, d := range devices {
		plugs = append(plugs, preload.Device{Addr: s.USBIP, BusID: usbip.BusID(d.number)})
	}
	return plugs
}
