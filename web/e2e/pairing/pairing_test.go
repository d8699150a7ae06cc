package pairing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// TestFirstPairingAndTheNextVisit binds a device, and finds it bound at the next visit.
func TestFirstPairingAndTheNextVisit(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
	require.Equal(t, "bound", s.Device.Status().Binding)
	b.RequireText("pairing.adviceWrite")

	b.Open("/")
	b.Press("connect")
	b.WaitForState("bound")
	b.RequireNoText("pairing.adviceWrite") // the second visit is not a binding
}

// TestAnotherProfileTakesOverTheBinding binds a device in a second browser, after a warning. The first browser then says that
// the device is bound elsewhere.
func TestAnotherProfileTakesOverTheBinding(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	first, second := t.TempDir(), t.TempDir()

	b := s.StartBrowser(harness.BrowserOptions{Profile: first})
	code := b.Bind()
	b.Close()

	b = s.StartBrowser(harness.BrowserOptions{Profile: second})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("elsewhere")
	b.RequireText("exceptional.elsewhereLead") // the warning comes before the code is asked for
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	b.WaitForState("bound")
	b.Close()

	b = s.StartBrowser(harness.BrowserOptions{Profile: first})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("rebound")
	b.Press("go-on")
	b.WaitForState("elsewhere")
}

// TestUnpluggedDuringIdentityVerify unplugs the device at several packets while the code is checked. The browser and the device
// agree afterwards whether they are bound, and the page continues by itself once the device is back.
func TestUnpluggedDuringIdentityVerify(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	wasBound, wasNot := 0, 0
	for round, cut := range []usb.Fault{
		// After SELECT (1 packet each way) come BIND_CHECK (2 out, 4 in) and IDENTITY_VERIFY (3 out, 1 in).
		{On: "out", Packet: 4}, {On: "out", Packet: 5}, {On: "out", Packet: 6}, {On: "in", Packet: 6},
	} {
		met := "recognised"
		if round > 0 {
			met = "reset" // it was bound here in the round before
		}
		s.Device.Reset()
		b.Open("/")
		b.Press("connect")
		b.WaitForState(met)
		b.Press("go-on")
		b.WaitForState("code")
		code := s.Device.Code()
		s.WaitForAnswers(0x72, round+1+wasNot) // the code is shown; the next messages are those of the binding
		cut.Do = usb.DoUnplug
		s.Device.Arm(cut)
		b.EnterCode(code)
		b.WaitForError("device-disconnected")
		s.Device.Unplug() // waits until the fault has done it
		before := s.IsBound()
		s.Device.Arm()
		s.Device.Plug()
		if before {
			wasBound++
			b.WaitForStateAfterError("bound")
			continue
		}
		wasNot++
		b.WaitForStateAfterError("recognised") // a binding was begun, so the device no longer counts as reset
		b.Press("go-on")
		b.WaitForState("code")
		b.EnterCode(s.Device.Code())
		b.WaitForState("bound")
	}
	require.Positive(t, wasBound, "no cut came after the device had bound")
	require.Positive(t, wasNot, "no cut came before the device had bound")
}

// TestDeviceAsksToConfirmTheBinding binds a device that asks its user to confirm. The user rejects, cancels in the page, and
// confirms.
func TestDeviceAsksToConfirmTheBinding(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{ConfirmBinding: true})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	code := s.Device.Code()

	b.EnterCode(code)
	s.WaitForQuestion()
	b.WaitForTextIn("[data-state=checking]", "pairing.waitingTitle")
	s.Device.Press(device.Cancel)
	b.WaitForError("user-rejected")

	b.Press("retry")
	b.WaitForStateAfterError("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	s.WaitForQuestion()
	b.Press("cancel") // in the page: it cancels the question on the device, and the code can be entered again
	s.WaitUntilIdle()
	b.WaitForState("code")
	b.EnterCode(code)
	s.WaitForQuestion()
	s.Device.Press(device.OK)
	b.WaitForState("bound")
}

// TestPageClosedDuringTheBinding leaves the page while the device asks its user. The next visit binds the device.
func TestPageClosedDuringTheBinding(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{ConfirmBinding: true})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	b.EnterCode(s.Device.Code())
	s.WaitForQuestion()
	b.Open("/") // leaves the page while the device asks its user
	b.GoToCode()
	b.EnterCode(s.Device.Code())
	s.WaitForQuestion()
	s.Device.Press(device.OK)
	b.WaitForState("bound")
}

// TestUnverifiedDeviceMustBeAccepted checks that a device that cannot be verified, as every real one, is bound only after the
// user has accepted it.
func TestUnverifiedDeviceMustBeAccepted(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	// A page that does not come from the simulator does not learn its CA. The device is then like every real one.
	s.HideSimulator()
	b.Open("/")
	b.Press("connect")
	b.WaitForState("recognised")
	b.RequireText("pairing.unverified")
	b.Press("go-on")
	b.WaitForState("unverified")
	b.Press("go-on") // without the tick
	require.Equal(t, "unverified", harness.Eval[string](b, "document.querySelector('[data-state]').dataset.state"))
	b.Run(`document.querySelector('[data-control="accept"]').click()`)
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
	b.Open("/")
	b.Press("connect")
	b.WaitForState("bound")
}

// TestPairingOverAWebSocket binds a simulated device over a WebSocket.
func TestPairingOverAWebSocket(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	b.Press("connect-simulated")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	code := s.Device.Code()
	b.EnterCode(harness.WrongCode(code))
	b.WaitForState("wrong")
	b.EnterCode(code)
	b.WaitForState("bound")
	b.Open("/")
	b.Press("connect-simulated")
	b.WaitForState("bound")
}
