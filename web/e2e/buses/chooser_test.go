package buses_test

import (
	"image"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestBrowserChooser binds a device as a new user does: without a permission, in a browser with windows, with the mouse in the
// chooser that the browser opens. Neither a page nor DevTools reach that chooser.
func TestBrowserChooser(t *testing.T) {
	d := newDisplay(t)
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Headful: true, NoPermission: true})
	b.Open("/")
	require.Equal(t, 0, harness.Eval[int](b, "navigator.usb.getDevices().then(known => known.length)"), "nothing is permitted yet")
	b.Press("connect")

	var list image.Rectangle
	d.until("the chooser's list", nil, func(seen *image.RGBA) (ok bool) {
		list, ok = box(seen, image.Pt(300, 150))
		return ok
	})
	first := image.Rect(list.Min.X+4, list.Min.Y+4, list.Max.X-4, list.Min.Y+34)
	d.until("an entry in the chooser's list", nil, func(seen *image.RGBA) bool { return written(seen, first) })
	d.click(image.Pt(list.Min.X+60, list.Min.Y+19))
	connect := image.Pt(list.Max.X-80, list.Max.Y+35) // on the button, left of its label
	d.until("the chooser's button for a chosen device", nil, func(seen *image.RGBA) bool {
		c := seen.RGBAAt(connect.X, connect.Y)
		return int(c.B) > int(c.R)+60 // the button is grey until a device is chosen
	})
	for closed := false; !closed; {
		d.click(connect)
		// Chromium ignores clicks in a dialog that has just appeared, as a protection against unintended clicks.
		closed = d.until("", time.After(time.Second), func(seen *image.RGBA) bool {
			_, open := box(seen, image.Pt(300, 150))
			return !open
		})
	}

	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
	require.Equal(t, s.Device.Serial(), harness.Eval[string](b, "navigator.usb.getDevices().then(known => known[0].serialNumber)"))
}
