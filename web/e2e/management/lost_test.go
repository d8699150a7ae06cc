package management

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestBrowserBoundBefore checks what a browser says whose device was bound elsewhere since: no error, and ways to bind again or
// to forget.
func TestBrowserBoundBefore(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	profile := t.TempDir()
	b := s.StartBrowser(harness.BrowserOptions{Profile: profile})
	code := b.Bind()
	b.Close()

	other := s.StartBrowser(harness.BrowserOptions{})
	other.Open("/")
	other.Press("connect")
	other.WaitForState("recognised")
	other.Press("go-on")
	other.WaitForState("elsewhere")
	other.RequireText("exceptional.elsewhereLead")
	other.Press("go-on")
	other.WaitForState("code")
	other.EnterCode(code)
	other.WaitForState("bound")
	other.Close()

	b = s.StartBrowser(harness.BrowserOptions{Profile: profile})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("rebound")
	b.RequireText("exceptional.reboundLead")
	require.False(t, harness.Eval[bool](b, "document.querySelector('.heading-error') !== null"), "this is no error")
	b.Press("forget")
	b.WaitForState("forget")
	b.RequireNoText("exceptional.forgetLead") // the device is bound to the key of another browser
	b.Press("keep-binding")
	b.WaitForState("rebound")
	b.Press("go-on")
	b.WaitForState("elsewhere")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	b.WaitForState("bound")
}

// TestCodeIsLost follows the help for a lost code. The page asks twice whether the mnemonic phrase is at hand, and resets
// nothing. After a reset of the device, it is bound again with a new code.
func TestCodeIsLost(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	first := s.StartBrowser(harness.BrowserOptions{})
	code := first.Bind()
	first.Close()

	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("elsewhere")
	b.Press("lost")
	b.WaitForState("lost")
	b.RequireText("management.lostReset")
	b.RequireText("management.lostPage")
	toCount := func() {
		b.Press("lost-go-on")
		b.WaitFor("[data-control=at-hand]")
		b.Press("lost-go-on")
		b.WaitForText("management.atHandFirst")
		b.Run("document.querySelector('[data-control=at-hand]').click()")
		b.Press("lost-go-on")
		b.WaitFor("[data-control=count-12]")
	}
	toCount()
	b.Press("lost-go-on")
	b.WaitForText("management.countFirst")
	b.Run("document.querySelector('[data-control=count-other]').click()")
	b.Press("lost-go-on")
	b.WaitForText("management.keepTitle")
	b.Press("back")
	b.WaitForState("elsewhere")

	b.Press("go-on") // the help is the same where the code is entered
	b.WaitForState("code")
	b.Press("lost")
	b.WaitForState("lost")
	toCount()
	b.Run("document.querySelector('[data-control=count-12]').click()")
	b.Press("lost-go-on")
	b.WaitForText("management.howTitle")
	require.True(t, s.IsBound(), "the page resets nothing")

	s.Device.Reset()
	b.Press("connect-known")
	b.WaitForState("reset")
	b.RequireText("exceptional.resetTitle")
	require.Contains(t, b.Text(), s.Device.Status().Serial)
	b.Press("go-on")
	b.WaitForState("code")
	anew := s.Device.Code()
	require.NotEqual(t, code, anew)
	b.EnterCode(anew)
	b.WaitForState("bound")
}

// TestCodeIsNotLostYet checks that a browser that is still bound tells its user how to look the code up, instead of resetting
// the device.
func TestCodeIsNotLostYet(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	b.Open("/")
	b.WaitForKnownBound()
	b.PressEntry(s.Device.Status().Serial)
	b.WaitForState("known")
	b.Press("lost")
	b.WaitForState("lost")
	b.RequireText("management.lostFirstKept")
	b.Press("connect-known")
	b.WaitForState("bound")
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())

	// The browser notices a reset at the next visit.
	s.Device.Reset()
	b.Open("/")
	b.Press("connect")
	b.WaitForState("reset")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
}

// TestLostCodeOfAnUnboundDevice checks that no reset is suggested for a device that was never bound, which shows its code to
// any app.
func TestLostCodeOfAnUnboundDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	b.EnterCode(harness.WrongCode(s.Device.Code()))
	b.WaitForState("wrong")
	b.Open("/")
	b.WaitForKnown("management.notBound")
	b.PressEntry(s.Device.Status().Serial)
	b.WaitForState("known")
	b.Press("lost")
	b.WaitForState("lost")
	b.RequireText("management.lostFirstAsk")
	b.RequireNoText("management.lostReset")
	b.Press("connect-known")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
}
