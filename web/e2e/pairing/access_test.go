package pairing

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// TestChunkFailsToLoad checks that the page says when it cannot load a part of itself, and loads it when it can.
func TestChunkFailsToLoad(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	s.Device.Unplug()
	s.BlockChunks(true)
	b.Press("connect-simulated")
	b.WaitForError("request-cancelled")
	b.RequireText("pairing.notLoaded")
	s.BlockChunks(false)
	b.Press("retry")
	b.WaitForText("errors.advice.what", "request-cancelled", harness.OnLinux)
}

// TestInterfaceClaimedByAnotherProgram checks what the page says while another program uses the device.
func TestInterfaceClaimedByAnotherProgram(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	s.Device.Simulated.Port().SetAccess(usb.Access{Claimed: true})
	b.Open("/")
	b.Press("connect")
	b.WaitForErrorText("in-use-elsewhere")
	s.Device.Simulated.Port().SetAccess(usb.Access{})
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
}

// TestSystemDeniesAccess checks that the page gives the udev rule where the system denies access to the device.
func TestSystemDeniesAccess(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.WaitForDevices(1) // Chromium opens a device once when it lists it
	s.Device.Simulated.Port().SetAccess(usb.Access{Denied: true})
	b.Press("connect")
	b.WaitForErrorText("permission-denied")
	require.Contains(t, b.Text(), `ATTR{idVendor}=="096e"`, "the udev rule, on Linux")
	s.Device.Simulated.Port().SetAccess(usb.Access{})
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
}

// TestPermissionIsRevoked revokes the permission of the page while the code is entered. The code is not tried.
func TestPermissionIsRevoked(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	s.WaitForAnswers(0x72, 1)
	b.Run("for (const d of await navigator.usb.getDevices()) await d.forget()")
	b.EnterCode(s.Device.Code())
	b.WaitForError("permission-denied")
	require.Equal(t, 10, s.Device.Status().CodeAttemptsLeft)
}

// TestNoDeviceChosen cancels the choice of a device, in the page and in the chooser. In a headless Chromium the chooser closes
// at any time, so a promise that stays pending replaces it. The chooser of simulated devices closes at once where none is
// plugged in, as Chromium's does when the user closes it.
func TestNoDeviceChosen(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{NoPermission: true})
	b.Open("/")
	b.Run("USB.prototype.requestDevice = () => new Promise(() => {})")
	b.Press("connect")
	b.WaitForState("choosing")
	b.Press("cancel")
	b.WaitForState("start")
	s.Device.Unplug()
	b.Press("connect-simulated")
	b.WaitForErrorText("request-cancelled")
	b.Press("stop")
	b.WaitForStateAfterError("start")
}

// TestFrameWithoutUSBPermission checks the error of the SDK in a frame that may not use USB.
func TestFrameWithoutUSBPermission(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	s.ServeHTML("/outer", `<!doctype html><title>outer</title><iframe src="/inner" allow="usb 'none'"></iframe>`)
	s.ServeHTML("/inner", `<!doctype html><title>inner</title>`)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Do(chromedp.Navigate(s.URL + "/outer"))
	b.WaitUntil("document.querySelector('iframe').contentDocument?.title === 'inner'")
	code := harness.Eval[string](b, `(async () => {
		const inner = document.querySelector('iframe').contentWindow
		const imkey = await inner.eval("import('/imkey.js')")
		return imkey.loadImKey().then(i => i.requestDevice()).then(() => 'none', e => e.code)
	})()`)
	require.Equal(t, "permission-denied", code)
}
